// What a technician says when an order is over: what was done, what was found, which part went in.
import { useRef, useState } from 'preact/hooks';
import { ApiError, newKey, send } from '../api';
import { Dialog } from '../components/dialog';
import { ErrorBox } from '../components/layout';
import { toast } from '../components/toast';
import { href } from '../route';
import { T } from '../strings';
import { P } from '../strings-pages';
import type { Order } from '../types-pages';

const D = P.orderDone;
/** Steps a person may have done instead of the one asked for, as the record calls them. */
const DID = ['reset-gpu', 'restart-service', 'reboot', 'power-cycle', 'firmware', 'reseat', 'replace',
  'repair', 'rma', 'retire'];
const PART_STEPS = new Set(['replace', 'rma', 'repair']);

export interface Recorded { recorded?: { seq: number } }

/** Sends a command without a dialog; the answer is a toast either way. */
export async function tellOrder(body: Record<string, unknown>, done: string): Promise<boolean> {
  try {
    const r = await send<Recorded>('/commands', body, { key: newKey() });
    toast(done, 'good', r?.recorded ? href('events', [r.recorded.seq]) : undefined);
    return true;
  } catch (e) {
    toast((e as ApiError).message, 'bad');
    return false;
  }
}

export function DoneDialog({ o, failed, close, saved }: {
  o: Order; failed: boolean; close: () => void; saved: () => void;
}) {
  const [did, setDid] = useState(o.step);
  const [old, setOld] = useState(o.serial ?? '');
  const [fresh, setFresh] = useState('');
  const [found, setFound] = useState('');
  const [error, setError] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const key = useRef(newKey());
  const swap = PART_STEPS.has(did);
  const half = swap && fresh.trim() !== '' && old.trim() === '';
  async function submit(e: Event) {
    e.preventDefault();
    if (busy || half) return;
    setBusy(true);
    const serial = swap && fresh.trim() && old.trim() ? `${old.trim()}=${fresh.trim()}` : undefined;
    try {
      const r = await send<Recorded>('/commands', { verb: failed ? 'order-failed' : 'order-done',
        ref: o.order, did: did === o.step ? undefined : did, found: found.trim() || undefined, serial },
        { key: key.current });
      toast(failed ? D.toldFailed(o.order) : D.toldDone(o.order), 'good',
        r?.recorded ? href('events', [r.recorded.seq]) : undefined);
      saved();
      close();
    } catch (err) {
      setError(err as ApiError);
      setBusy(false);
    }
  }
  const steps = DID.includes(o.step) ? DID : [o.step, ...DID];
  const on = o.component ?? String(o.order);
  return <Dialog title={failed ? D.titleFailed(on) : D.title(on)}
    close={close} class="order-dialog">
    <form class="form" onSubmit={submit}>
      <label class="field"><span>{D.did}</span>
        <select class="input" value={did} onChange={(e) => setDid(e.currentTarget.value)}>
          {steps.map((s) => <option key={s} value={s}>
            {P.steps.step[s] ?? s}{s === o.step ? ` ${D.asAsked}` : ''}</option>)}
        </select></label>
      {swap && <div class="swap">
        <label class="field"><span>{D.oldSerial}</span>
          <input class="input mono" value={old} autocapitalize="off" autocomplete="off"
            aria-invalid={half || undefined} onInput={(e) => setOld(e.currentTarget.value)} /></label>
        <span class="swap-arrow" aria-hidden="true">→</span>
        <label class="field"><span>{D.newSerial}</span>
          <input class="input mono" value={fresh} autocapitalize="off" autocomplete="off" autofocus
            onInput={(e) => setFresh(e.currentTarget.value)} /></label>
      </div>}
      {half && <p class="bad small" role="alert">{D.oldMissing}</p>}
      <label class="field"><span>{D.found}</span>
        <textarea class="input" rows={3} maxLength={400} value={found} placeholder={D.foundHint}
          onInput={(e) => setFound(e.currentTarget.value)} /></label>
      {error && <ErrorBox error={error} />}
      <div class="buttons"><button type="button" class="button" onClick={close}>{T.cancel}</button>
        <button type="submit" class="button primary" disabled={busy || half}>
          {failed ? D.sendFailed : D.send}</button></div>
    </form>
  </Dialog>;
}
