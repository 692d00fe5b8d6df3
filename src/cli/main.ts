/** The start of the process: everything else is imported after the compile cache is on, which halves the time to start. */
import { enableCompileCache } from 'node:module';
import { startLean } from './lean.ts';

startLean();
// Where there is nowhere to keep the cache it does nothing, and says nothing.
enableCompileCache();
await import('./program.ts');
