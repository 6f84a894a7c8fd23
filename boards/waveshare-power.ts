import type { I2cChip } from './define.ts';

/** The AXP2101 of Waveshare's AMOLED boards; ALDO1 supplies the analogue side of the codecs. */
export const codecSupply: I2cChip = {
  name: 'AXP2101',
  address: 0x34,
  writes: [
    { register: 0x92, value: 0x1c, why: 'ALDO1 at 3.3 V: supplies codecs and microphones.' },
    {
      register: 0x90,
      value: 0x01,
      why: 'ALDO1 on, the other LDOs off: nothing that is used hangs on them.',
      delayMs: 20,
    },
  ],
};
