import {
  BOARDS,
  type Board,
  echoWords,
  lightWords,
  listensWhileSpeaking,
  memoryWords,
  microphoneWords,
  speakerWords,
  usbKinds,
} from '@tincan/boards';
import type { Context } from '../context.ts';
import { table } from '../output.ts';

/** What a program wants to know of a board; `listensWhileSpeaking` says whether it can be interrupted by voice. */
function summary(board: Board) {
  return { ...board, listensWhileSpeaking: listensWhileSpeaking(board) };
}

/** `tincan boards`: what there is to build for. */
export async function boards({ out }: Context): Promise<void> {
  const all = Object.values(BOARDS);
  const head = [
    'ID',
    'BOARD',
    'FLASH, PSRAM',
    'MICROPHONE',
    'LOUDSPEAKER',
    'WHILE IT SPEAKS',
    'LIGHT',
    'USB',
  ];
  const rows = all.map((board) => [
    board.id,
    board.name,
    memoryWords(board),
    microphoneWords(board) || 'none',
    speakerWords(board) || 'none',
    echoWords(board),
    lightWords(board) || 'none',
    usbKinds(board),
  ]);
  out.result({ boards: all.map(summary) }, table([head, ...rows]));
}
