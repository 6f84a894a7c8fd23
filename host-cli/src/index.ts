/** Door of host-cli, for tests and the demo. */
export { findBoard, partitionsOf } from './build/board.ts';
export { type BuildBoardOptions, buildBoard, type ChipBuild } from './build/index.ts';
export { type BuildOptions, type BuildResult, buildImage } from './build/virtual.ts';
export type { Context } from './context.ts';
export { type DemoOptions, runDemo } from './demo/index.ts';
export { Device, type DeviceListener, type DeviceMessage, type DeviceOptions } from './device/device.ts';
export { eventType, messageLine, messageRecord, type TailRecord } from './device/format.ts';
export { asTincanError, EXIT, type ExitName, errorReport, printError, TincanError } from './errors.ts';
export { type AppInfo, type CheckOptions, checkFiles } from './flash/check.ts';
export { createFlasher } from './flash/engine.ts';
export type { ChipInfo, Flasher, FlashFile, FlashProgress, WriteReport } from './flash/flasher.ts';
export { type FlashPlan, readPlan } from './flash/plan.ts';
export { type FlashOptions, type FlashResult, type FlashStage, flashBoard } from './flash/run.ts';
export { makeCertificate } from './gateway/certificate.ts';
export { type Gateway, type GatewayOptions, startGateway } from './gateway/index.ts';
export * as gatewayParts from './gateway/parts.ts';
export { readUpdate, type Update, updateDevice, updateFromUrl } from './ota/update.ts';
export { createOutput, type Output, type OutputStreams } from './output.ts';
export { createProgram } from './program.ts';
export { editSettings, provisionOffline, settingsImage } from './provision/offline.ts';
export {
  applyAndJoin,
  applySettings,
  differing,
  fingerprintOf,
  type SettingValues,
} from './provision/online.ts';
export { type OggOpus, readOggOpus } from './record/ogg.ts';
export { redact, registerSecret } from './redact.ts';
export { repositoryPath } from './root.ts';
export { CONSOLE_BAUD, openLine, type SerialLine } from './serial/line.ts';
export { choosePort, listPorts } from './serial/ports.ts';
export {
  type ArgumentsOf,
  defineTool,
  type HostTool,
  type ToolContext,
  type ToolDevice,
  type ToolOptions,
} from './tools/define.ts';
export { type EspruinoFunction, type EspruinoOptions, espruino } from './tools/espruino.ts';
export { VERSION } from './version.ts';
