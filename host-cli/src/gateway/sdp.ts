/** What the gateway must know of an SDP offer before the peer connection sees it. */
import { RealtimeError } from './events.ts';

export interface Offer {
  /** As it came. */
  raw: string;
  /**
   * The offer with CRLF line ends and without candidates. The client finds the server, not the server the client:
   * checks of ours could come before the client has our answer, and a client on libdatachannel then closes.
   */
  sdp: string;
  /** `mid` of the audio section. */
  audioMid: string;
  /** Payload type that the offer gives to Opus. */
  opus: number;
}

/** The longest line that the answer may have: libpeer copies each line into 256 bytes. */
export const MAX_LINE = 254;

const bad = (message: string): RealtimeError => new RealtimeError('invalid_offer', message, 'sdp');

/** Checks an offer. Throws RealtimeError (for a 400) that says what is missing. */
export function readOffer(text: string): Offer {
  const lines = text.split(/\r\n|\n|\r/);
  while (lines.at(-1) === '') lines.pop();
  if (lines[0] !== 'v=0' || !lines.some((line) => line.startsWith('m='))) {
    throw bad('The body is not an SDP offer: it must begin with "v=0" and have media sections.');
  }
  const sections: string[][] = [[]];
  for (const line of lines) {
    if (line.startsWith('m=')) sections.push([]);
    if (!/^[a-z]=/.test(line)) throw bad('The SDP offer has a line that is not "<letter>=<value>".');
    sections.at(-1)!.push(line);
  }
  const [head = [], ...media] = sections;
  const has = (section: string[], prefix: string) =>
    [...head, ...section].some((line) => line.startsWith(prefix));
  const value = (section: string[], prefix: string) =>
    section
      .find((line) => line.startsWith(prefix))
      ?.slice(prefix.length)
      .trim();

  const audio = media.find((section) => section[0]!.startsWith('m=audio '));
  if (!audio) throw bad('The SDP offer has no audio section.');
  const opus = audio.map((line) => /^a=rtpmap:(\d{1,3}) opus\/48000/i.exec(line)?.[1]).find(Boolean);
  if (!opus || Number(opus) > 127) throw bad('The SDP offer does not offer Opus.');
  const channel = media.find((section) =>
    /^m=application .*\bwebrtc-datachannel\b|^m=application .*DTLS\/SCTP/.test(section[0]!),
  );
  if (!channel) throw bad('The SDP offer has no data channel.');
  for (const section of [audio, channel]) {
    if (!has(section, 'a=ice-ufrag:') || !has(section, 'a=ice-pwd:'))
      throw bad('The SDP offer has no ICE credentials.');
    if (!has(section, 'a=fingerprint:')) throw bad('The SDP offer has no DTLS fingerprint.');
  }
  const kept = lines.filter((line) => !/^a=(?:candidate|end-of-candidates)/.test(line));
  return {
    raw: text,
    sdp: `${kept.join('\r\n')}\r\n`,
    audioMid: value(audio, 'a=mid:') ?? '0',
    opus: Number(opus),
  };
}
