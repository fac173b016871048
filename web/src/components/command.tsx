// A person's command: first what it would do (dry run), then a reason, then it is recorded.
import { signal } from '@preact/signals';
import { useEffect, useRef, useState } from 'preact/hooks';
import { ApiError, newKey, send } from '../api';
import { count, gpuHours, usd } from '../format';
import { href } from '../route';
import { T } from '../strings';
import type { DryRun } from '../types';
import { Num } from './number';
import { Dialog } from './dialog';
import { ErrorBox, Facts } from './layout';
import { toast } from './toast';

/** A body of POST /commands without its reason: {verb: 'drain', node: 'n17'}. */
export interface CommandWish {
  body: { verb: string } & Record<string, unknown>;
  title: string;                  // 'Drain n17'
  word?: string;                  // on the button; else the verb's own
  ifMatch?: string;               // the ETag of what was looked at
  done?: () => void;
}

const wish = signal<CommandWish | null>(null);
const MANY_NODES = 16;  // from here on a name must be typed (chosen: two racks of eight)
const JOBS_SHOWN = 4;

export const askCommand = (w: CommandWish) => { wish.value = w; };

/** 'no job stops for it' → 'No job stops for it.' */
const sentence = (text: string) => text && `${text[0]!.toUpperCase()}${text.slice(1).replace(/\.$/, '')}.`;

function Blast({ dry }: { dry: DryRun }) {
  const b = dry.blast;
  const jobs = dry.would?.jobs ?? [], notes = dry.would?.notes ?? [];
  const said = notes.length > 0 && <ul class="plain">{notes.map((n) => <li key={n}>{sentence(n)}</li>)}</ul>;
  if (!b || (!b.nodes && !b.jobs)) return <>{said}<p>{T.command.nothing}</p></>;
  return <>
    {said}
    <Facts rows={[
      [T.command.nodes, count(b.nodes)], [T.command.jobs, count(b.jobs)],
      [T.command.gpus, count(b.gpus)],
      [T.command.lost, <Num basis={b.rests_on}>{gpuHours(b.gpu_ms_lost)}</Num>],
      [T.command.cost, <Num basis={b.rests_on}>{usd(b.lost_uusd)}</Num>],
    ]} />
    {jobs.length > 0 && <ul class="plain dim">
      {jobs.slice(0, JOBS_SHOWN).map((j) => <li key={j.job}>
        {T.command.jobLoses(String(j.job), gpuHours(j.unsaved_gpu_ms))}
        {j.stops && `; ${T.command.jobStops(j.stops)}`}</li>)}
      {jobs.length > JOBS_SHOWN && <li>{T.topology.more(jobs.length - JOBS_SHOWN)}</li>}
    </ul>}
  </>;
}

/** The dry run of a wish, asked once. */
function useDryRun(w: CommandWish) {
  const [dry, setDry] = useState<DryRun | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  useEffect(() => {
    const stop = new AbortController();
    send<DryRun>('/commands', { ...w.body, reason: 'dry run' },
      { params: { dryRun: 1 }, signal: stop.signal })
      .then(setDry, (e) => { if (!stop.signal.aborted) setError(e as ApiError); });
    return () => stop.abort();
  }, []);
  return { dry, error };
}

function CommandForm({ w }: { w: CommandWish }) {
  const { dry, error } = useDryRun(w);
  const [reason, setReason] = useState('');
  const [typed, setTyped] = useState('');
  const [failed, setFailed] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(false);
  const key = useRef(newKey());
  const close = () => { wish.value = null; };
  const verb = w.word ?? T.command.verb[w.body.verb] ?? w.body.verb;
  const name = String(w.body.node ?? w.body.job ?? w.body.verb);
  const many = (dry?.blast?.nodes ?? 0) >= MANY_NODES;
  const ready = !error && reason.trim() !== '' && (!many || typed === name) && !busy;
  async function submit(e: Event) {
    e.preventDefault();
    if (!ready) return;
    setBusy(true);
    try {
      const r = await send<{ recorded?: { seq: number } }>('/commands',
        { ...w.body, reason: reason.trim() }, { key: key.current, ifMatch: w.ifMatch });
      toast(T.command.done(w.title), 'good',
        r?.recorded ? href('events', [r.recorded.seq]) : undefined);
      w.done?.();
      close();
    } catch (err) {
      setFailed(err as ApiError);
      setBusy(false);
    }
  }
  return <Dialog title={w.title} close={close}>
    <form class="form" onSubmit={submit}>
      <h3>{T.command.dry}</h3>
      {error ? <ErrorBox error={error} /> : dry ? <Blast dry={dry} />
        : <p class="dim" role="status">{T.command.dryWait}</p>}
      <label class="field"><span>{T.command.reason}</span>
        <input class="input" value={reason} autofocus maxLength={400}
          placeholder={T.command.reasonHint} onInput={(e) => setReason(e.currentTarget.value)} />
      </label>
      {many && <label class="field"><span>{T.command.typeName(name)}</span>
        <input class="input mono" value={typed} onInput={(e) => setTyped(e.currentTarget.value)} />
      </label>}
      {failed && <ErrorBox error={failed} />}
      <div class="buttons">
        <button type="button" class="button" onClick={close}>{T.cancel}</button>
        <button type="submit" class="button primary" disabled={!ready}>{verb}</button>
      </div>
    </form>
  </Dialog>;
}

/** Rendered once, by the shell. */
export function CommandDialog() {
  const w = wish.value;
  return w && <CommandForm key={JSON.stringify(w.body)} w={w} />;
}
