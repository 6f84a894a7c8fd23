import { generateDocs } from './docs.ts';
import { linkHeader, linkSource } from './link-c.ts';
import { pricesHeader, pricesSource } from './prices-c.ts';
import { realtimeHeader, realtimeSource } from './realtime-c.ts';
import { settingsHeader, settingsSource } from './settings-c.ts';
import { tasksHeader, tasksSource } from './tasks-c.ts';
import { toolsHeader, toolsSource } from './tools-c.ts';

export { generateDocs };

/** Every file of `firmware/generated/`: name -> text. */
export function generateC(): Record<string, string> {
  return {
    'settings_gen.h': settingsHeader(),
    'settings_gen.c': settingsSource(),
    'link_gen.h': linkHeader(),
    'link_gen.c': linkSource(),
    'prices_gen.h': pricesHeader(),
    'prices_gen.c': pricesSource(),
    'realtime_gen.h': realtimeHeader(),
    'realtime_gen.c': realtimeSource(),
    'tasks_gen.h': tasksHeader(),
    'tasks_gen.c': tasksSource(),
    'tools_gen.h': toolsHeader(),
    'tools_gen.c': toolsSource(),
  };
}
