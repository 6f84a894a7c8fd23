/** What the demo leaves in summary.json, and how it reads on a terminal. */
import type { Turn } from './journal.ts';

export interface DemoSummary {
  ok: boolean;
  /** Why it is not ok, one sentence each. */
  problems: string[];
  build: { seconds: number; cached: boolean; wasmBytes: number };
  flash: {
    seconds: number;
    bytes: number;
    compressed: number;
    wireBytes: number;
    baud: number;
    /** Bytes on the wire against what the line carries in that time. */
    lineRatio: number;
    /** SHA-256 of the application that the board says it runs. */
    image: string;
  };
  provision: { ms: number; settings: number };
  /** Offer to live session, by the board's clock; `wifiMs` as seen from here. */
  connect: { ms: number; wifiMs: number };
  greeting: string[];
  turns: Turn[];
  /** Median over the turns: end of the person's speech to the first sound; `silenceMs` of it is the server waiting. */
  replyLatency: { ms: number; silenceMs: number };
  light: { on: boolean; color: string };
  volume: number;
  link: { framesReceived: number; framesLost: number; framesBroken: number };
  rtp: { received: number; lost: number; concealed: number; late: number };
  /** Why the session ended. */
  ended: string;
}

type Paint = (style: 'bold' | 'dim' | 'green' | 'red' | 'cyan' | 'yellow', text: string) => string;

const kb = (bytes: number) => `${(bytes / 1024).toFixed(0)} KB`;

/** The last page of the demo, for a person. */
export function summaryText(summary: DemoSummary, folder: string, paint: Paint): string {
  const { flash, link, rtp, light } = summary;
  const row = (name: string, text: string) => `  ${paint('dim', name.padEnd(11))} ${text}`;
  const rate = flash.seconds > 0 ? flash.wireBytes / flash.seconds / 1024 : 0;
  const lines = [
    '',
    paint('bold', summary.ok ? 'All of it happened.' : 'Not all of it happened.'),
    '',
    row(
      'flashed',
      `${kb(flash.bytes)} in ${flash.seconds.toFixed(1)} s (${rate.toFixed(0)} KB/s on the wire, ` +
        `${Math.round(flash.lineRatio * 100)} % of the line at ${flash.baud} baud), verified`,
    ),
    row('provisioned', `${summary.provision.settings} settings in ${Math.round(summary.provision.ms)} ms`),
    row(
      'connected',
      `Wi-Fi in ${Math.round(summary.connect.wifiMs)} ms, a live session in ${Math.round(summary.connect.ms)} ms`,
    ),
    row('answered', replyText(summary)),
    row('light', light.on ? `on, ${light.color}` : 'off'),
    row(
      'frames lost',
      `${link.framesLost} of ${link.framesReceived} on the serial link, ${rtp.lost} of ${rtp.received} in RTP`,
    ),
    row('session', `ended: ${summary.ended}`),
    '',
    ...summary.problems.map((problem) => `  ${paint('red', '✗')} ${problem}`),
    ...(summary.problems.length ? [''] : []),
    `  ${paint('dim', `summary.json, events.jsonl, heard.wav, spoken.wav are in ${folder}`)}`,
  ];
  return lines.join('\n');
}

function replyText({ replyLatency, turns }: DemoSummary): string {
  if (turns.every((turn) => turn.replyMs === undefined)) return 'nothing that was understood';
  return (
    `${(replyLatency.ms / 1000).toFixed(2)} s after the end of speech ` +
    `(${(replyLatency.silenceMs / 1000).toFixed(2)} s of it, the server waits for silence)`
  );
}
