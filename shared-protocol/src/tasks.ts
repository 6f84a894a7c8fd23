/**
 * The tasks of the firmware on the chip (FreeRTOS), declared once. From this table come the C table that starts them,
 * and the one in the docs. Their stacks are in bytes, as ESP-IDF counts.
 *
 * Wi-Fi, its driver and its interrupts live on processor 0, so what must not be late beside them (peer, core) is on
 * processor 1; sound is on processor 0, above everything but the radio and what empties the console's buffer, because
 * Opus and echo cancelling need a processor nearly to themselves. They work for 10 ms and more at a time, in which USB
 * brings more than its driver has room for; its interrupt drops the rest.
 */

export interface Task {
  /** Processor, 0 or 1. */
  readonly core: 0 | 1;
  /** FreeRTOS priority; a higher one runs first. The idle task has 0, ESP-IDF's own tasks up to 24. */
  readonly priority: number;
  /** Bytes of stack. */
  readonly stack: number;
  /** A stack in external memory is slower, and out of reach while the flash is written. */
  readonly memory: 'internal' | 'external';
  readonly owns: string;
}

/** The longest name that FreeRTOS keeps, `configMAX_TASK_NAME_LEN` less the NUL. */
export const TASK_NAME_MAX = 15;

export const TASKS = {
  core: {
    core: 1,
    priority: 8,
    stack: 10_240,
    memory: 'internal',
    owns: 'The state machine, settings and NVS (whose writes need an internal stack), the link: all of firmware/core but sound.',
  },
  peer: {
    core: 1,
    priority: 18,
    stack: 14_336,
    memory: 'internal',
    owns: "Socket, ICE, DTLS, SRTP, SCTP, and the playout buffer's input.",
  },
  audio: {
    core: 0,
    priority: 17,
    stack: 36_864,
    memory: 'external',
    owns: 'I2S, echo cancelling, Opus both ways, a frame every 20 ms.',
  },
  http: {
    core: 1,
    priority: 6,
    stack: 9_216,
    memory: 'internal',
    owns: 'The HTTPS request that exchanges offer and answer.',
  },
  serial_tx: {
    core: 0,
    priority: 10,
    stack: 4_096,
    memory: 'internal',
    owns: 'Bytes to the console.',
  },
  serial_rx: {
    core: 0,
    priority: 19,
    stack: 4_096,
    memory: 'internal',
    owns: 'Bytes from the console.',
  },
  controls: {
    core: 0,
    priority: 5,
    stack: 4_096,
    memory: 'internal',
    owns: 'Button, mute switch, light.',
  },
} as const satisfies Record<string, Task>;
export type TaskName = keyof typeof TASKS;
