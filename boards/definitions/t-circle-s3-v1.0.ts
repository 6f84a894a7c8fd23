import { defineBoard } from '../define.ts';
import { tCircleS3 } from './t-circle-s3.ts';

/** LilyGO T-Circle-S3 v1.0 (2024): as v1.1, with an I2S microphone. */
export const tCircleS3V10 = defineBoard({
  ...tCircleS3,
  id: 't-circle-s3-v1.0',
  name: 'LilyGO T-Circle-S3 v1.0',
  microphone: { kind: 'i2s', part: 'MSM261S4030H0R', bclk: 7, ws: 9, din: 8, channel: 0 },
  conflicts: [
    'Later boards (v1.1) have a PDM microphone on the same pins; this image hears nothing there, and the board t-circle-s3 is for them.',
  ],
  unverified: [
    'Whether the microphone answers in the left or the right slot; left is taken, since xiaozhi reads both and uses the first.',
  ],
});
