import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AttackWorld } from './attack-world.ts';

/** A type of the application's own, how it is made to run the application's code, and a value of it. */
const types: readonly (readonly [string, string, string, string])[] = [
  [
    'an enum with a cast to json',
    `create type public.mood as enum ('calm', 'wild');
     create function public.tell(public.mood) returns json language plpgsql as
       $$ begin perform public.see(); return '"anything"'; end $$;
     create cast (public.mood as json) with function public.tell(public.mood)`,
    'public.mood',
    `'calm'`,
  ],
  [
    'an enum with a cast to text, taken by itself',
    `create type public.mood as enum ('calm', 'wild');
     create function public.tell(public.mood) returns text language plpgsql as
       $$ begin perform public.see(); return 'anything'; end $$;
     create cast (public.mood as text) with function public.tell(public.mood) as implicit`,
    'public.mood',
    `'calm'`,
  ],
  [
    'a domain whose check calls a function',
    `create function public.fits(value text) returns boolean language plpgsql as
       $$ begin perform public.see(); return true; end $$;
     create domain public.word as text check (public.fits(value))`,
    'public.word',
    `'calm'`,
  ],
  [
    'a composite of such a domain',
    `create function public.fits(value text) returns boolean language plpgsql as
       $$ begin perform public.see(); return true; end $$;
     create domain public.word as text check (public.fits(value));
     create type public.pair as (a public.word, b int);
     create function public.tell(public.pair) returns json language plpgsql as
       $$ begin perform public.see(); return '"anything"'; end $$;
     create cast (public.pair as json) with function public.tell(public.pair)`,
    'public.pair',
    `'(calm,1)'`,
  ],
  [
    'a range with a function of its own for differences',
    `create function public.apart(float8, float8) returns float8 language plpgsql immutable as
       $$ begin perform public.see(); return $1 - $2; end $$;
     create type public.span as range (subtype = float8, subtype_diff = public.apart)`,
    'public.span',
    `'[1,2)'`,
  ],
];

describe('a captured column of a type that the application owns', () => {
  let world: AttackWorld;
  beforeAll(async () => {
    world = await AttackWorld.start();
  });
  afterAll(() => world.stop());

  test.each(types)('runs none of its code as the owner: %s', async (_, made, type, value) => {
    await world.reset(`grant create on schema public to raptor_app;
        create table public.seen (who text);
        grant insert, select on public.seen to public`);
    const app = await world.connect('raptor_app');
    const owner = await world.connect('raxx_owner');
    await app.query(`create function public.see() returns void language sql as
        'insert into public.seen values (current_user)'; ${made}`);
    // The column comes after install, which would have refused it; the owner did not look.
    await owner.query(`alter table public.users add column feeling ${type}`);
    await app.query(`truncate public.seen`).catch(() => world.look('truncate public.seen'));

    const before = await world.rows();
    await app.query(
      `insert into public.users (email, feeling) values ('own@example.invalid', ${value})`,
    );
    await app.query(`update public.users set display_name = 'x'`);
    await app.query(`delete from public.users where email = 'own@example.invalid'`);
    const changes = await world.added(before, await world.rows(), true);
    expect(changes.map(({ operation }) => operation)).toEqual(['INSERT', 'UPDATE', 'DELETE']);
    expect(changes[0]?.after).toMatchObject({ feeling: value.slice(1, -1) });
    expect(await runBy(owner)).not.toContain('raxx_owner');

    // Nor does whoever reads history run it, be it a superuser.
    await world.look('truncate public.seen');
    await owner.query('select * from public.users_changes');
    await world.look('select * from public.users_changes');
    expect(await runBy(owner)).toEqual([]);
    await owner.end();
    await app.end();
  });
});

/** As whom the application's code has run. */
async function runBy(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ who: string }>('select distinct who from public.seen');
  return rows.map(({ who }) => who);
}
