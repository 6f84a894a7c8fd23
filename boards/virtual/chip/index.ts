export type { BootOutcome, BootReport, ResetCode } from './boot.ts';
export { type ChipEvent, type ChipOptions, type ChipState, DEFAULT_MAC, VirtualChip } from './chip.ts';
export { BoardError } from './errors.ts';
export { FLASH_TIME, type FlashChange, type FlashCounters, NorFlash, PowerCut } from './flash.ts';
export { type BootMode, LOCAL_LINES, REMOTE_LINES, ResetLines, type SettleTimes } from './lines.ts';
