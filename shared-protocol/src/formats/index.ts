/** Wire and file formats of the ESP32-S3 and of the host tools. */
export * from './app-descriptor.ts';
export { FormatError, type FormatProblem } from './bytes.ts';
export { type CsvRow, csvRow, parseCsv } from './csv.ts';
export * from './flasher-args.ts';
export * from './image.ts';
export * from './mic-image.ts';
export * from './nvs.ts';
export * from './otadata.ts';
export * from './partitions.ts';
export * from './resample.ts';
export * from './rms.ts';
export * from './rom.ts';
export * from './settings-journal.ts';
export * from './settings-nvs.ts';
export * from './slip.ts';
export * from './telnet.ts';
export * from './virtual-image.ts';
export * from './wav.ts';
