/** For tests: the files of a build of the board qemu that no chip could run, but every check takes. */
import { BOARDS } from '@tincan/boards';
import {
  buildAppDescriptor,
  buildAppImage,
  buildPartitionTable,
  initialOtaData,
  PARTITION_TABLE_OFFSET,
  virtualBootloader,
} from '@tincan/shared-protocol';
import { partitionsOf } from '../build/board.ts';
import type { FlashFile } from '../flash/flasher.ts';

/** An application with this many bytes of code; another size is another image. */
export function qemuApp(codeBytes = 64, project = 'tincan-qemu', version = '1.2.3'): Uint8Array {
  const elfSha256 = new Uint8Array(32).fill(codeBytes & 0xff);
  return buildAppImage({
    segments: [
      { address: 0x3c000020, data: buildAppDescriptor({ project, version, elfSha256 }) },
      { address: 0x40374000, data: new Uint8Array(codeBytes) },
    ],
    entry: 0x40374000,
  });
}

export function qemuFiles(codeBytes = 64, project = 'tincan-qemu'): FlashFile[] {
  return [
    { offset: 0, name: 'bootloader.bin', data: virtualBootloader() },
    {
      offset: PARTITION_TABLE_OFFSET,
      name: 'partition-table.bin',
      data: buildPartitionTable(partitionsOf(BOARDS.qemu!)),
    },
    { offset: 0xf000, name: 'ota_data_initial.bin', data: initialOtaData() },
    { offset: 0x20000, name: 'tincan.bin', data: qemuApp(codeBytes, project) },
  ];
}
