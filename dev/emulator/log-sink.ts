// How an emulator tells what it does: the process prints it, a test may collect it.
import type { NewLogEntry } from '../processes/log-entry.ts';

export type LogSink = (entry: NewLogEntry) => void;
