/**
 * The rules that a board must keep, each with the place where it is written down: the ESP32-S3 datasheet (strapping
 * pins, section 3; pins of flash and PSRAM, section 2.3.5), the ESP-IDF programming guide (GPIO, ADC, USB-Serial-JTAG,
 * external RAM, partition tables), and the I2C bus specification (UM10204, section 3.1.12).
 */
import type { Board, ChipBoard, DuplexI2s } from './define.ts';
import { boardPins, type PinUse } from './pins.ts';

const STRAPPING: Readonly<Record<number, string>> = {
  0: 'it chooses between the application and the ROM loader',
  3: 'it chooses where JTAG signals come from',
  45: "it chooses the flash's voltage",
  46: 'it takes part in the choice of the boot mode',
};
/** ADC1; ADC2 cannot be read while Wi-Fi runs. */
const ADC_FIRST_PIN = 1;
const ADC_LAST_PIN = 10;
/** The highest voltage that the ADC measures with its largest attenuation, in mV. */
const ADC_MAX_MV = 3100;
const PSRAM_MB = { quad: [2, 4, 8], octal: [4, 8, 16] } as const;
const MB = 1024 * 1024;
const FLASH_MB = [4, 8, 16, 32];
/** A reason has more than one word. */
const REASON = /\S\s+\S/;

const hex = (value: number) => `0x${value.toString(16)}`;

/** Every reason why this board cannot work, as sentences; empty for a good one. */
export function boardProblems(board: Board): string[] {
  const problems = [
    ...nameProblems(board),
    ...pinProblems(board),
    ...strappingProblems(board),
    ...partitionProblems(board),
    ...(board.kind === 'esp32s3' ? chipProblems(board) : []),
  ];
  return problems.map((problem) => `${board.id}: ${problem}`);
}

function nameProblems(board: Board): string[] {
  const problems: string[] = [];
  if (!/^[a-z0-9]+([.-][a-z0-9]+)*$/.test(board.id) || board.id.length > 31)
    problems.push('an id has at most 31 lower-case letters, digits, single dots and dashes.');
  if (/["\\\n;]/.test(board.name) || board.name === '') problems.push('the name must be plain text.');
  if (board.sources.length === 0) problems.push('it names no source; say where its facts were read.');
  return problems;
}

function pinProblems(board: Board): string[] {
  const problems: string[] = [];
  const owner = new Map<number, string>();
  const native = board.usb.some((port) => port.kind === 'native');
  for (const { use, pin } of boardPins(board)) {
    const where = `${use} on GPIO ${pin}`;
    if (!Number.isInteger(pin) || pin < 0 || pin > 48 || (pin >= 22 && pin <= 25)) {
      problems.push(`${where}: the ESP32-S3 has no such pin.`);
      continue;
    }
    const other = owner.get(pin);
    if (other) problems.push(`${where}: the pin is already used for ${other}.`);
    owner.set(pin, use);
    if (pin >= 26 && pin <= 32) problems.push(`${where}: GPIO 26 to 32 belong to the flash.`);
    if (pin >= 33 && pin <= 37 && board.psram?.mode === 'octal')
      problems.push(`${where}: GPIO 33 to 37 belong to the octal PSRAM.`);
    if ((pin === 19 || pin === 20) && native) problems.push(`${where}: GPIO 19 and 20 are the native USB.`);
  }
  const { button } = board;
  if (button?.kind === 'adc') {
    const where = `button on GPIO ${button.pin}`;
    if (button.pin < ADC_FIRST_PIN || button.pin > ADC_LAST_PIN)
      problems.push(
        `${where}: only GPIO ${ADC_FIRST_PIN} to ${ADC_LAST_PIN} can be measured while Wi-Fi runs (ADC1).`,
      );
    if (!(button.minMv >= 0 && button.minMv < button.maxMv && button.maxMv <= ADC_MAX_MV))
      problems.push(
        `${where}: ${button.minMv} to ${button.maxMv} mV is no range within 0 to ${ADC_MAX_MV} mV.`,
      );
  }
  return problems;
}

function strappingProblems(board: Board): string[] {
  const problems: string[] = [];
  const reasons = board.strapping ?? {};
  const driven = new Map<number, PinUse>();
  for (const entry of boardPins(board)) {
    if (entry.direction === 'in' || STRAPPING[entry.pin] === undefined) continue;
    driven.set(entry.pin, entry);
    if (reasons[entry.pin] === undefined)
      problems.push(
        `${entry.use} on GPIO ${entry.pin}: a strapping pin must not be driven (at reset ${STRAPPING[entry.pin]}). ` +
          `If the board is built so, say in strapping[${entry.pin}] why that does no harm.`,
      );
  }
  for (const [text, reason] of Object.entries(reasons)) {
    const pin = Number(text);
    const what = `strapping[${text}]`;
    if (STRAPPING[pin] === undefined) problems.push(`${what}: GPIO ${pin} is no strapping pin.`);
    else if (!driven.has(pin))
      problems.push(`${what}: nothing drives GPIO ${pin}, so there is nothing to excuse.`);
    else if (!REASON.test(reason)) problems.push(`${what}: the reason for driving GPIO ${pin} is missing.`);
  }
  return problems;
}

function partitionProblems(board: Board): string[] {
  const problems: string[] = [];
  const flash = board.flash.bytes;
  if (!FLASH_MB.includes(flash / MB)) problems.push(`there is no flash of ${flash} bytes.`);
  const labels = new Set<string>();
  let end = 0x9000;
  for (const part of [...board.partitions].sort((a, b) => a.offset - b.offset)) {
    const what = `partition ${part.label}`;
    if (!/^[a-z0-9_]{1,15}$/.test(part.label))
      problems.push(`${what}: a label has 1 to 15 lower-case letters, digits and underscores.`);
    if (labels.has(part.label)) problems.push(`${what} stands in the table twice.`);
    labels.add(part.label);
    if (part.offset < end) problems.push(`${what} at ${hex(part.offset)} overlaps what lies before it.`);
    const align = part.type === 'app' ? 0x10000 : 0x1000;
    if (part.offset % align || part.size % 0x1000) problems.push(`${what} is not aligned.`);
    if (part.size <= 0) problems.push(`${what} has no space.`);
    end = part.offset + part.size;
    if (end > flash) problems.push(`${what} ends past the flash.`);
  }
  return problems;
}

function chipProblems(board: ChipBoard): string[] {
  return [
    ...memoryProblems(board),
    ...consoleProblems(board),
    ...busProblems(board),
    ...audioProblems(board),
    ...slotProblems(board),
  ];
}

function memoryProblems({ psram }: ChipBoard): string[] {
  if (psram === undefined)
    return ['it has no PSRAM; the firmware keeps its audio task and its large buffers there.'];
  const sizes: readonly number[] = PSRAM_MB[psram.mode];
  return sizes.includes(psram.bytes / MB)
    ? []
    : [
        `there is no ${psram.mode} PSRAM of ${psram.bytes / MB} MB; the mode must be the one of the chip fitted.`,
      ];
}

function consoleProblems(board: ChipBoard): string[] {
  const { console: port, usb } = board;
  if (port.kind === 'usb' && usb[0].kind !== 'native')
    return ['the console is on the native USB, but the first port is a USB-UART bridge.'];
  if (port.kind === 'uart' && usb[0].kind !== 'bridge')
    return ['the console is on UART0, but the first port is no USB-UART bridge: nobody would see it.'];
  if (port.kind === 'uart' && !(port.baud >= 9600 && port.baud <= 3_000_000))
    return [`the console cannot run at ${port.baud} baud.`];
  return [];
}

function busProblems({ i2c, speaker, microphone }: ChipBoard): string[] {
  const codecs = [
    ...('address' in speaker ? [{ name: speaker.kind, address: speaker.address }] : []),
    // One chip may be both: then it has one address.
    ...('address' in microphone &&
    !(microphone.kind === speaker.kind && 'address' in speaker && speaker.address === microphone.address)
      ? [{ name: microphone.kind, address: microphone.address }]
      : []),
  ];
  if (!i2c)
    return codecs.map(({ name }) => `the codec ${name} is controlled over I2C, but there is no i2c bus.`);
  const problems: string[] = [];
  const chips = i2c.chips ?? [];
  const owner = new Map<number, string>();
  for (const { name, address } of [...codecs, ...chips]) {
    const where = `${name} at I2C address ${hex(address)}`;
    if (!Number.isInteger(address) || address < 0x08 || address > 0x77)
      problems.push(`${where}: addresses of 7 bits for chips are 0x8 to 0x77.`);
    const other = owner.get(address);
    if (other) problems.push(`${where}: the address is already used by ${other}.`);
    owner.set(address, name);
  }
  for (const { name, writes } of chips)
    for (const { register, value, why, delayMs = 0 } of writes ?? []) {
      const where = `${name}, register ${hex(register)}`;
      if (![register, value].every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 0xff))
        problems.push(`${where}: register and value have one byte.`);
      if (!(delayMs >= 0 && delayMs <= 1000))
        problems.push(`${where}: a wait of ${delayMs} ms is too long for a boot.`);
      if (!REASON.test(why)) problems.push(`${where}: say why it is written.`);
    }
  return problems;
}

function audioProblems(board: ChipBoard): string[] {
  const { speaker, microphone } = board;
  // Types say that both are behind codecs or neither is; a definition may come from somewhere without types.
  const i2s: Partial<DuplexI2s> | undefined = board.i2s;
  const problems: string[] = [];
  const codecSpeaker = 'address' in speaker;
  const codecMicrophone = 'address' in microphone;
  if (codecSpeaker !== codecMicrophone)
    problems.push(
      `a codec shares its port with a codec: the loudspeaker is ${speaker.kind}, the microphone ${microphone.kind}.`,
    );
  if ((codecSpeaker || codecMicrophone) && !i2s) problems.push('a codec needs the pins of its port in i2s.');
  if (codecSpeaker && i2s && i2s.dout === undefined)
    problems.push(`the codec ${speaker.kind} gets no sound: i2s.dout is missing.`);
  if (codecMicrophone && i2s && i2s.din === undefined)
    problems.push(`the codec ${microphone.kind} cannot be heard: i2s.din is missing.`);
  if (!codecMicrophone && i2s?.din !== undefined)
    problems.push(
      `i2s.din on GPIO ${i2s.din}: the microphone is ${microphone.kind === 'pdm' ? 'a PDM one' : microphone.kind}, and there can be one only.`,
    );
  if (microphone.kind === 'es7210' && i2s && i2s.mclk === undefined)
    problems.push('the codec es7210 needs a master clock: i2s.mclk is missing.');
  if (microphone.kind === 'partition' && !board.partitions.some(({ label }) => label === microphone.label))
    problems.push(`the microphone is the partition ${microphone.label}, which is not in the table.`);
  return [...problems, ...echoProblems(board)];
}

function echoProblems({ echo, microphone, speaker }: ChipBoard): string[] {
  const problems: string[] = [];
  const channels = microphone.kind === 'es7210' ? 4 : 2;
  const used = [
    ...('channel' in microphone ? [microphone.channel] : []),
    ...('echoChannel' in microphone && microphone.echoChannel !== undefined ? [microphone.echoChannel] : []),
  ];
  for (const channel of used)
    if (!Number.isInteger(channel) || channel < 0 || channel >= channels)
      problems.push(
        `the microphone ${microphone.kind} has no channel ${channel}; it has 0 to ${channels - 1}.`,
      );
  const hasReference = 'echoChannel' in microphone && microphone.echoChannel !== undefined;
  if (echo === 'reference') {
    if (!hasReference)
      problems.push(`an echo reference needs a second channel of the microphone: echoChannel is missing.`);
    else if ('channel' in microphone && microphone.channel === microphone.echoChannel)
      problems.push(`channel ${microphone.channel} cannot be the microphone and its echo reference at once.`);
  } else if (hasReference) {
    problems.push(`the microphone has an echoChannel, but echo is "${echo}"; it must be "reference".`);
  }
  if (echo === 'free' && 'channel' in microphone && speaker.kind !== 'none' && speaker.kind !== 'level')
    problems.push('a real microphone hears a real loudspeaker: echo must be "reference" or "none".');
  return problems;
}

/** An update in the field needs two slots of one size and the data that says which one runs. */
function slotProblems(board: ChipBoard): string[] {
  const find = (type: string, subtype: string) =>
    board.partitions.find((part) => part.type === type && part.subtype === subtype);
  const missing = [
    ['app', 'ota_0'],
    ['app', 'ota_1'],
    ['data', 'ota'],
    ['data', 'nvs'],
    ['data', 'coredump'],
  ].filter(([type, subtype]) => find(type!, subtype!) === undefined);
  if (missing.length)
    return [`the partition table lacks ${missing.map((kind) => kind.join('/')).join(', ')}.`];
  const [a, b] = [find('app', 'ota_0')!, find('app', 'ota_1')!];
  return a.size === b.size
    ? []
    : [`${a.label} and ${b.label} have different sizes, so an update may not fit.`];
}
