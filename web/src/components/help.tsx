// '?': the keys, the marks of states, and what measured, trace and modelled mean.
import { helpOpen } from '../overlays';
import { PAGES } from '../pages';
import { T } from '../strings';
import { Basis } from './basis';
import { Dialog } from './dialog';
import { Badge, STATES } from './marks';

const Key = ({ children }: { children: string }) => <kbd>{children}</kbd>;

export function Help() {
  if (!helpOpen.value) return null;
  return <Dialog title={T.help.title} close={() => { helpOpen.value = false; }} class="help">
    <h3>{T.help.keys}</h3>
    <dl class="keys">
      <dt><Key>/</Key></dt><dd>{T.help.key.search}</dd>
      <dt><Key>?</Key></dt><dd>{T.help.key.help}</dd>
      <dt><Key>Esc</Key></dt><dd>{T.help.key.esc}</dd>
      <dt><Key>↑</Key> <Key>↓</Key> <Key>Enter</Key></dt><dd>{T.help.key.table}</dd>
      <dt><Key>g</Key></dt><dd>{T.help.key.go}</dd>
      {PAGES.filter((p) => p.key).map((p) => <>
        <dt><Key>g</Key> <Key>{p.key!}</Key></dt><dd>{p.title}</dd></>)}
    </dl>
    <h3>{T.help.words}</h3>
    <dl class="keys">
      {(['measured', 'trace', 'modelled'] as const).map((k) => <>
        <dt><Basis of={k} /></dt><dd>{T.basis[k].text}</dd></>)}
    </dl>
    <h3>{T.help.marks}</h3>
    <div class="chips">{STATES.map((s) =>
      <Badge key={s.code} word={s.key} text={T.state[s.key]} />)}</div>
  </Dialog>;
}
