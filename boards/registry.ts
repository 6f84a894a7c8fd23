import type { Board } from './define.ts';
import { atomS3rEchoBase } from './definitions/atoms3r-echo-base.ts';
import { coreS3 } from './definitions/cores3.ts';
import { devkitc1 } from './definitions/devkitc-1.ts';
import { devkitc1V10 } from './definitions/devkitc-1-v1.0.ts';
import { espBox3 } from './definitions/esp-box-3.ts';
import { korvo2 } from './definitions/korvo-2.ts';
import { qemu } from './definitions/qemu.ts';
import { tCircleS3 } from './definitions/t-circle-s3.ts';
import { tCircleS3V10 } from './definitions/t-circle-s3-v1.0.ts';
import { virtual } from './definitions/virtual.ts';
import { waveshareAmoled18 } from './definitions/waveshare-amoled-1.8.ts';
import { waveshareAmoled175 } from './definitions/waveshare-amoled-1.75.ts';
import { waveshareAudio } from './definitions/waveshare-audio.ts';
import { xiaoSense } from './definitions/xiao-sense.ts';

/** All boards, by id. A new board is one file in definitions/ and one word here. */
export const BOARDS: Readonly<Record<string, Board>> = Object.fromEntries(
  [
    virtual,
    qemu,
    espBox3,
    korvo2,
    devkitc1,
    devkitc1V10,
    atomS3rEchoBase,
    coreS3,
    waveshareAudio,
    waveshareAmoled175,
    waveshareAmoled18,
    tCircleS3,
    tCircleS3V10,
    xiaoSense,
  ].map((b) => [b.id, b]),
);
