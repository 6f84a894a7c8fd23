/**
 * Addresses that a gateway is reached at though it does not have them: behind NAT with forwarded ports, in a
 * container, or from an emulated board, for which the host is 10.0.2.2.
 */
import { isIP } from 'node:net';
import { TincanError } from '../errors.ts';

/** Splits and checks addresses, several in one text with commas. @throws TincanError GATEWAY_ANNOUNCE */
export function parseAnnounced(texts: readonly string[]): string[] {
  const addresses = texts.flatMap((text) => text.split(',')).map((text) => text.trim());
  const wrong = addresses.find((address) => isIP(address) === 0);
  if (wrong !== undefined) {
    throw new TincanError('GATEWAY_ANNOUNCE', `"${wrong}" is not an IP address.`, {
      exit: 'usage',
      hint: 'For example --announce 192.0.2.7; an emulated board finds this machine at 10.0.2.2.',
    });
  }
  return [...new Set(addresses)];
}

/** Type preference of host candidates, and component 1 (RTP), RFC 8445 section 5.1.2. */
const HOST_PREFERENCE = 126;
const COMPONENT = 1;

/**
 * Adds a host candidate for each announced address and each UDP port that the answer has a candidate for. They stand
 * before the own ones and have a higher priority (RFC 8445, section 5.1.2.1): who names addresses knows the way. The
 * own ones stay, for clients on this machine.
 */
export function announce(sdp: string, addresses: readonly string[]): string {
  if (addresses.length === 0) return sdp;
  const lines = sdp.split('\r\n');
  const candidates = lines.flatMap((line, at) => {
    const parts = /^a=candidate:\S+ 1 UDP \d+ (\S+) (\d+) typ host\b/i.exec(line);
    return parts ? [{ at, address: parts[1]!, port: parts[2]! }] : [];
  });
  // One set per media section that has candidates, before its first one; in a bundle that is one section.
  const sectionOf = (at: number) => lines.slice(0, at).filter((line) => line.startsWith('m=')).length;
  const out = [...lines];
  for (const section of new Set(candidates.map(({ at }) => sectionOf(at)).reverse())) {
    const own = candidates.filter(({ at }) => sectionOf(at) === section);
    const ports = [...new Set(own.map(({ port }) => port))];
    const added = addresses.flatMap((address, rank) =>
      ports
        .filter((port) => !own.some((one) => one.address === address && one.port === port))
        .map((port, index) => {
          const priority = HOST_PREFERENCE * 2 ** 24 + (65_535 - rank * 16 - index) * 256 + (256 - COMPONENT);
          return `a=candidate:a${rank + 1} ${COMPONENT} UDP ${priority} ${address} ${port} typ host`;
        }),
    );
    out.splice(own[0]!.at, 0, ...added);
  }
  return out.join('\r\n');
}
