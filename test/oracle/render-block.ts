import { type Rendering, renderDml, renderMerge, renderUpdate } from './render-write.ts';

/** A DO block of several writes, some of them in a block whose exception is caught. */
export function renderDo(given: Rendering): string {
  return `do $w$ begin ${body(given)} end $w$`;
}

/** A function made on the spot, and called. */
export function renderFunction(given: Rendering): string {
  const name = `pg_temp.f${given.step}`;
  return `create function ${name}() returns int language plpgsql as $w$ begin ${body(given)} return 1; end $w$; select ${name}()`;
}

/** A procedure that commits between its writes: several transactions of one statement. */
export function renderProcedure(given: Rendering): string {
  const name = `pg_temp.p${given.step}`;
  const end = given.picks.of(['commit', 'commit', 'rollback']);
  return `create procedure ${name}() language plpgsql as $w$ begin ${renderDml(given)}; ${end}; ${body(given)} end $w$`;
}

/** A function that writes, called while a statement writes the same table. */
export function renderNested(given: Rendering): string {
  const name = `pg_temp.n${given.step}`;
  return (
    `create function ${name}() returns boolean language plpgsql volatile as $w$ begin ${renderDml(given)}; return true; end $w$; ` +
    `${renderUpdate(given).replace(/ where .*$/s, '')} where ${name}()`
  );
}

/** Writable CTEs. */
export function renderCte(given: Rendering): string {
  const parts = Array.from({ length: 1 + given.picks.below(3) }, () => renderDml(given));
  const ctes = parts.map((part, index) => `w${index} as (${part} returning 1)`).join(', ');
  if (given.picks.chance(40)) return `with ${ctes} ${renderDml(given)}`;
  return `with ${ctes} select count(*) from w0`;
}

/** A row that is deleted and inserted again by one statement. */
export function renderPrepare(given: Rendering): string {
  return `prepare p${given.step} as ${given.picks.chance(20) ? renderMerge(given) : renderDml(given)}`;
}

function body(given: Rendering): string {
  const { picks } = given;
  const parts = Array.from({ length: 1 + picks.below(3) }, () => {
    const write = `${renderDml(given)};`;
    if (!picks.chance(40)) return write;
    const fault = picks.of([
      'perform 1 / 0;',
      `raise exception 'undone';`,
      'null;',
      'perform 1 / 0;',
    ]);
    return `begin ${write} ${fault} exception when others then ${picks.chance(50) ? write : 'null;'} end;`;
  });
  return parts.join(' ');
}
