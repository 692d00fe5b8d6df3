import { type LoggerOptions, pino } from 'pino';
import type { Log } from '../connector.ts';

export const logLevels = ['error', 'warn', 'info', 'debug'] as const;
export type LogLevel = (typeof logLevels)[number];
export type LogFormat = 'json' | 'pretty';

/**
 * The log, on stderr: stdout belongs to `print` sinks and to what a verb was asked for. Written at once, so that nothing is lost at the end.
 */
export async function openLog(level: LogLevel, format: LogFormat): Promise<Log> {
  const options: LoggerOptions = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (format === 'json') return pino(options, pino.destination({ fd: 2, sync: true }));
  const { default: pretty } = await import('pino-pretty');
  const stream = pretty({
    destination: 2,
    sync: true,
    colorize: process.stderr.isTTY === true,
    translateTime: 'HH:MM:ss',
    ignore: 'pid,hostname',
  });
  return pino(options, stream);
}
