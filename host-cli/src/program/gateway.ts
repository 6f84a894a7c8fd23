import type { Command } from 'commander';
import { type Common, contextOf, several, verb } from './parts.ts';

/** The Realtime server, and tokens for it. */
export function addGateway(program: Command): void {
  verb(
    program,
    'gateway',
    'run a Realtime server on this machine until Ctrl-C',
    'tincan gateway --mode echo --listen 127.0.0.1:8080',
  )
    .option('--mode <mode>', 'echo: says back what it hears; script: a written conversation', 'echo')
    .option('--script <file>', 'the conversation of mode script')
    .option('--listen <host:port>', 'where it listens', '127.0.0.1:8080')
    .option(
      '--token-file <file>',
      'token that devices must show (else TINCAN_GATEWAY_TOKEN, or one that is made)',
    )
    .option('--heard <wav>', 'where what it hears is recorded')
    .option('--tls', 'HTTPS, with a certificate of its own that devices pin')
    .option(
      '--announce <address>',
      'its address as devices see it (NAT, container); may be repeated',
      several,
    )
    .option('--ota <dir>', 'folder with images for updates of devices: <dir>/<board>/tincan.bin')
    .action(
      async (
        options: Common & {
          mode: string;
          script?: string;
          listen: string;
          tokenFile?: string;
          heard?: string;
          tls?: boolean;
          announce?: string[];
          ota?: string;
        },
      ) => (await import('../commands/gateway.ts')).gateway(contextOf(options), options),
    );
}
