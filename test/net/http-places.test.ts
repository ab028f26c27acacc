// Places for pages: how many at a time, who comes next, and who has to give his up.
import { describe, expect, test } from 'vitest';
import { PATIENCE_MS, type Paged, PagePlaces } from '../../src/net/http-places.ts';
import { FakeClock } from '../support/fake-clock.ts';

const PLACES = 2;

/** Places, and pages that begin and end in them; the peers of those that begin with `slow` take nothing. */
function play() {
  const clock = new FakeClock();
  const places = new PagePlaces(clock, PLACES);
  const begun: string[] = [];
  const gone: string[] = [];
  const open = (name: string, lane = 'a'): Paged => {
    let since: number | undefined;
    const page: Paged = {
      lane,
      get heldMs() {
        return since === undefined || !name.startsWith('slow') ? 0 : clock.monotonic() - since;
      },
      begin: () => {
        since = clock.monotonic();
        begun.push(name);
      },
      giveWay: () => {
        gone.push(name);
        places.close(page);
      },
    };
    places.open(page);
    return page;
  };
  return { clock, places, begun, gone, open };
}

describe('places', () => {
  test('are a few; whoever comes when all are taken waits for one', () => {
    const { places, begun, open } = play();
    const [first, , third] = [open('1'), open('2'), open('3'), open('4')];
    expect(begun).toEqual(['1', '2']);
    places.close(third as Paged);
    places.close(first as Paged);
    expect(begun).toEqual(['1', '2', '4']);
  });

  test('go to whoever comes from elsewhere before another of the same address', () => {
    const { places, begun, open } = play();
    const first = open('1');
    const second = open('2');
    open('3');
    open('4');
    open('other', 'b');
    places.close(first);
    places.close(second);
    expect(begun).toEqual(['1', '2', '3', 'other']);
  });

  test('are kept by slow readers while nobody waits, and given up when somebody does', () => {
    const { clock, begun, gone, open } = play();
    open('slow 1');
    clock.advance(10);
    open('slow 2');
    clock.advance(100_000);
    expect(gone).toEqual([]);
    open('3');
    open('4');
    expect(begun).toEqual(['slow 1', 'slow 2']);
    clock.advance(500);
    expect(gone).toEqual(['slow 1', 'slow 2']);
    expect(begun).toEqual(['slow 1', 'slow 2', '3', '4']);
  });

  test('are given up by as many as wait, who was slowest first, and by nobody who reads', () => {
    const { clock, begun, gone, open } = play();
    open('1');
    open('slow 2');
    open('3');
    open('4');
    clock.advance(PATIENCE_MS - 500);
    expect(gone).toEqual([]);
    clock.advance(500);
    expect(gone).toEqual(['slow 2']);
    clock.advance(100_000);
    expect([gone, begun]).toEqual([['slow 2'], ['1', 'slow 2', '3']]);
  });
});
