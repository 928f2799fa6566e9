/** A box to tick, with its name. */
export function Check({ name, on, onTurn }: { name: string; on: boolean; onTurn: (on: boolean) => void }) {
  return (
    <label class="whence-attn-check">
      <input type="checkbox" checked={on} onChange={(event) => onTurn(event.currentTarget.checked)} /> {name}
    </label>
  );
}
