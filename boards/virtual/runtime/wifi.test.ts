import { describe, expect, it } from 'vitest';
import { manualClock } from '../clock.ts';
import { EVENT, WIFI } from './codes.ts';
import { Events, textOf } from './testing.ts';
import { Wifi } from './wifi.ts';

function radio() {
  const clock = manualClock();
  const events = new Events();
  const points = [
    { ssid: 'home', password: 'opensesame' },
    { ssid: 'cafe', password: '' },
  ];
  return { clock, events, wifi: new Wifi(clock, () => points, events.post) };
}

describe('Wi-Fi', () => {
  it('joins a network after a while and has an address', () => {
    const { clock, events, wifi } = radio();
    wifi.join('home', 'opensesame');
    expect(events.all).toEqual([]);
    expect(wifi.up).toBe(false);
    clock.advance(30);
    expect(events.all).toHaveLength(1);
    expect(events.all[0]!.kind).toBe(EVENT.wifiUp);
    expect(textOf(events.all[0]!.data)).toMatch(/^\d+\.\d+\.\d+\.\d+$/);
    expect(wifi.up).toBe(true);
  });

  it.each([
    ['a wrong password', 'home', 'wrong', WIFI.password],
    ['no password where one is asked', 'home', '', WIFI.password],
    ['a password where none is asked', 'cafe', 'secret', WIFI.password],
    ['a network that is not there', 'office', 'x', WIFI.notFound],
  ])('refuses %s', (_, ssid, password, code) => {
    const { clock, events, wifi } = radio();
    wifi.join(ssid, password);
    clock.advance(30);
    expect(events.all).toEqual([{ kind: EVENT.wifiDown, code }]);
    expect(wifi.up).toBe(false);
  });

  it('joins an open network with an empty password', () => {
    const { clock, events, wifi } = radio();
    wifi.join('cafe', '');
    clock.advance(30);
    expect(events.all[0]!.kind).toBe(EVENT.wifiUp);
  });

  it('forgets an attempt when it leaves or tries another', () => {
    const { clock, events, wifi } = radio();
    wifi.join('office', 'x');
    wifi.join('home', 'opensesame');
    clock.advance(100);
    expect(events.all.map((event) => event.kind)).toEqual([EVENT.wifiUp]);
    wifi.join('home', 'opensesame');
    wifi.leave();
    clock.advance(100);
    expect(events.all).toHaveLength(1);
  });

  it('reports a network that goes away, once', () => {
    const { clock, events, wifi } = radio();
    wifi.lose();
    wifi.join('home', 'opensesame');
    clock.advance(30);
    wifi.lose();
    wifi.lose();
    expect(events.all.slice(1)).toEqual([{ kind: EVENT.wifiDown, code: WIFI.lost }]);
    expect(wifi.up).toBe(false);
  });
});
