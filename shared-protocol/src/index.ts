export * from './link.ts';
export * from './realtime/events.ts';
export * from './settings.ts';
export * from './tools.ts';
