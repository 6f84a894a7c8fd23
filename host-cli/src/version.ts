import manifest from '../package.json' with { type: 'json' };

/** Of Tincan: the command, and the firmware that it builds. */
export const VERSION: string = manifest.version;
