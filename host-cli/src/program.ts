/**
 * The `tincan` command: one program, one verb per file in commands/, each loaded when it is called.
 */
import { Command, CommanderError, Option } from 'commander';
import { EXIT, printError } from './errors.ts';
import type { FlashSizeChoice } from './flash/header.ts';
import type { LabelFormat } from './fleet/labels.ts';
import { addConfig } from './program/config.ts';
import { addFlashContents } from './program/flash-contents.ts';
import { addGateway } from './program/gateway.ts';
import { BOARD, type Common, contextOf, run, several, verb, wholeNumber } from './program/parts.ts';
import { addTalk } from './program/talk.ts';
import { configure, usageError } from './program/usage.ts';
import { refuseSecretArguments } from './provision/secrets.ts';
import { VERSION } from './version.ts';

interface Fleet {
  all?: boolean;
  settings?: string;
  settingsCommand?: string;
  labels?: LabelFormat;
  jobs?: number;
}
const SETTINGS_FILE = () =>
  new Option(
    '--settings <csv>',
    'with --all: settings of each board, by MAC or in order; - is standard input',
  );
const SETTINGS_COMMAND = () =>
  new Option('--settings-command <command>', 'with --all: a command that prints them, run for each board');
const LABELS = () =>
  new Option('--labels <format>', 'with --all: how the labels are printed').choices(['text', 'csv', 'json']);

export { onInterrupt } from './program/parts.ts';

/** The whole command line. */
export function createProgram(): Command {
  const program = new Command('tincan')
    .description('Makes an ESP32-S3 into a voice device for the OpenAI Realtime API.')
    .version(VERSION)
    .option('--json', 'results as JSON lines on stdout, errors too')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      `\nExample:\n  $ tincan demo\n\nPorts: --port, else TINCAN_PORT, else the board used last, else the only one found; on a terminal you are asked.\nExit status: ${Object.entries(
        EXIT,
      )
        .map(([name, code]) => `${code} ${name}`)
        .join(', ')}.`,
    );

  verb(program, 'boards', 'list the boards that Tincan knows', 'tincan boards --json').action(
    async (options: Common) => (await import('./commands/boards.ts')).boards(contextOf(options)),
  );
  verb(program, 'ports', 'list the serial ports of this machine', 'tincan ports --watch')
    .option('--watch', 'go on until Ctrl-C, and say what comes and goes')
    .action(async (options: Common & { watch?: boolean }) =>
      (await import('./commands/ports.ts')).ports(contextOf(options), options),
    );
  verb(
    program,
    'build',
    'build the image of a board; real boards need ESP-IDF 5.3 to 5.5, or a container',
    'tincan build --board esp-box-3',
  )
    .addOption(BOARD())
    .option('--out <dir>', 'where the files go (default: build/<board>)')
    .option('--container [image]', 'build in docker or podman (default image: espressif/idf:v5.3.1)')
    .option('--encrypted', 'settings encrypted in flash by a key that the chip burns into an eFuse, for ever')
    .action(
      async (
        options: Common & { board: string; out?: string; container?: string | boolean; encrypted?: boolean },
      ) => (await import('./commands/build.ts')).build(contextOf(options), options),
    );
  verb(
    program,
    'flash [image]',
    'write an image, verify it, and wait for the board to say hello',
    'tincan flash --port rfc2217://127.0.0.1:4000',
  )
    .addOption(BOARD())
    .option('--baud <rate>', 'speed of the transfer (default: 921600)', wholeNumber)
    .option('--erase', 'erase the whole flash before, settings included')
    .option('--full', 'write also what the flash holds already')
    .addOption(
      new Option(
        '--flash-size <size>',
        "what the boot loader's header shall say of the flash (default: what the build wants)",
      ).choices(['keep', 'detect', '1MB', '2MB', '4MB', '8MB', '16MB', '32MB']),
    )
    .option('--all', 'every board that is found, or each of --port A,B; the exit status says how many failed')
    .addOption(SETTINGS_FILE())
    .addOption(SETTINGS_COMMAND())
    .addOption(LABELS())
    .option('--jobs <n>', 'with --all: how many boards at once (default: all)', wholeNumber)
    .action(
      async (
        image: string | undefined,
        options: Common & {
          board: string;
          baud?: number;
          erase?: boolean;
          full?: boolean;
          flashSize?: FlashSizeChoice;
        } & Fleet,
        command: Command,
      ) => {
        const foreign = image !== undefined && command.getOptionValueSource('board') === 'default';
        if (options.all)
          run.status = await (await import('./commands/fleet.ts')).flashAll(
            contextOf(options),
            image,
            options,
          );
        else
          await (await import('./commands/flash.ts')).flash(contextOf(options), image, {
            ...options,
            foreign,
          });
      },
    );
  verb(
    program,
    'provision',
    'give a board its network, server and token (secrets: prompt, file, standard input, environment)',
    'tincan provision --ssid home --password-file wifi.txt --token-file token.txt',
  )
    .addOption(BOARD())
    .option('--ssid <name>', 'Wi-Fi network')
    .option('--password-file <file>', 'file with its password; - is standard input')
    .option('--token-file <file>', 'file with the token for the server; - is standard input')
    .option('--url <url>', 'where the SDP offer is posted')
    .option('--set <name=value>', 'any other setting; may be repeated', several)
    .option('--offline', 'write into the NVS partition through the loader; needs no running firmware')
    .option('--fresh', 'with --offline: forget what the partition holds')
    .option('--out <file>', 'write an NVS image into a file instead')
    .option('--size <bytes>', "with --out: its size (default: that of the board's partition)", wholeNumber)
    .option(
      '--csv <file>',
      "with --offline or --out: more NVS entries, in the CSV format of ESP-IDF's generator",
    )
    .option('--keys <file>', 'the partition is encrypted by the keys of this nvs_keys image')
    .option('--make-keys <file>', 'encrypt it by new keys, and write them into this nvs_keys image')
    .option(
      '--hmac-key-file <file>',
      'encrypt it by keys derived from this eFuse key, which the chip must have',
    )
    .option('--keyring', "secrets from this computer's keyring; those that are asked for are put there")
    .option('--all', 'every board that is found, or each of --port A,B; the exit status says how many failed')
    .addOption(SETTINGS_FILE())
    .addOption(SETTINGS_COMMAND())
    .addOption(LABELS())
    .option('--jobs <n>', 'with --all: how many boards at once (default: all)', wholeNumber)
    .action(
      async (
        options: Common & {
          board: string;
          ssid?: string;
          passwordFile?: string;
          tokenFile?: string;
          url?: string;
          set?: string[];
          offline?: boolean;
          fresh?: boolean;
          out?: string;
          size?: number;
          csv?: string;
          keys?: string;
          makeKeys?: string;
          hmacKeyFile?: string;
          keyring?: boolean;
        } & Fleet,
      ) => {
        if (options.all)
          run.status = await (await import('./commands/fleet.ts')).provisionAll(contextOf(options), options);
        else await (await import('./commands/provision.ts')).provision(contextOf(options), options);
      },
    );
  verb(
    program,
    'ota [image]',
    'update a running device: over its port, or let it get the image by itself',
    'tincan ota build/esp-box-3',
  )
    .option('--url <url>', 'the device gets the image from here, as `tincan gateway --ota` serves it')
    .option('--pin <sha256>', 'pin of that server (default: server.pin, where it is the same server)')
    .option('--downgrade', 'the image may be older than what runs')
    .action(
      async (
        image: string | undefined,
        options: Common & { url?: string; pin?: string; downgrade?: boolean },
      ) => (await import('./commands/ota.ts')).ota(contextOf(options), image, options),
    );
  addFlashContents(program);
  addConfig(program);
  addTalk(program);
  verb(
    program,
    'virtual',
    'run a virtual board until Ctrl-C; prints its port',
    'tincan virtual --listen 127.0.0.1:4000 --flash board.bin',
  )
    .option('--listen <host:port>', 'where its serial port listens (RFC 2217)', '127.0.0.1:0')
    .option('--flash <file>', 'where its flash is kept (default: in memory)')
    .option('--mic <wav>', 'what a person says to it; may be repeated', several)
    .option('--speaker <wav>', 'where its loudspeaker is recorded')
    .option('--ap <ssid>', 'the Wi-Fi network in its room', 'tincan-lab')
    .option('--ap-open', 'that network has no password (else TINCAN_AP_PASSWORD, or one that is made up)')
    .option('--pty <path>', 'make a pseudo terminal too (needs socat)')
    .option('--pace', 'line and flash as slow as real ones')
    .action(
      async (
        options: Common & {
          listen: string;
          flash?: string;
          mic?: string[];
          speaker?: string;
          ap: string;
          apOpen?: boolean;
          pty?: string;
          pace?: boolean;
        },
      ) => (await import('./commands/virtual.ts')).virtual(contextOf(options), options),
    );
  verb(
    program,
    'qemu [image]',
    "boot the board qemu's image in an emulated ESP32-S3 until Ctrl-C; prints its port",
    'tincan qemu --flash qemu.bin --mic host-cli/data/voices/person-light-on.wav',
  )
    .option('--listen <host:port>', 'where its serial port listens (RFC 2217)', '127.0.0.1:0')
    .option('--flash <file>', 'where its flash is kept (default: thrown away at the end)')
    .option('--mic <wav>', 'what a person says to it; may be repeated', several)
    .action(
      async (
        image: string | undefined,
        options: Common & { listen: string; flash?: string; mic?: string[] },
      ) => (await import('./commands/qemu.ts')).qemu(contextOf(options), image, options),
    );
  addGateway(program);
  verb(program, 'demo', 'walk the whole way on a virtual board: build, flash, provision, talk', 'tincan demo')
    .option('--say <wav>', 'what the person says; may be repeated', several)
    .option('--out <dir>', 'where the results go', 'out/demo')
    .action(async (options: Common & { say?: string[]; out: string }) => {
      run.status = await (await import('./commands/demo.ts')).demo(contextOf(options), options);
    });
  verb(program, 'doctor', 'look at everything that a device needs', 'tincan doctor')
    .addOption(BOARD())
    .option('--chip', "ask the chip's loader, too; that restarts the board")
    .action(async (options: Common & { board: string; chip?: boolean }) => {
      run.status = await (await import('./commands/doctor.ts')).doctor(contextOf(options), options);
    });
  return program;
}

/** Runs one command line and returns the exit status. */
export async function main(argv: readonly string[]): Promise<number> {
  const json = argv.includes('--json');
  run.status = EXIT.ok;
  run.everyJson = false;
  try {
    refuseSecretArguments(argv);
    const program = createProgram();
    program.on('option:json', () => {
      run.everyJson = true;
    });
    configure(program);
    await program.parseAsync([...argv], { from: 'user' });
    return run.status;
  } catch (error) {
    if (!(error instanceof CommanderError)) return printError(error, json);
    // --help and --version end that way too; so does `tincan` alone, which prints its help.
    if (error.exitCode === 0 || error.code === 'commander.help')
      return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    return printError(usageError(error), json);
  }
}
