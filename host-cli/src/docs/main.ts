/** Writes `docs/events.md` under the current directory, the root of the repository. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GATEWAY_SENDS, GATEWAY_TAKES } from '../gateway/events-table.ts';
import { eventsPage } from './events-page.ts';

const root = process.cwd();
if (!existsSync(join(root, 'firmware', 'port.h'))) {
  console.error(`${root} is not the root of the repository: firmware/port.h is not there`);
  process.exit(2);
}
writeFileSync(join(root, 'docs/events.md'), eventsPage({ takes: GATEWAY_TAKES, sends: GATEWAY_SENDS }));
console.log('docs/events.md');
