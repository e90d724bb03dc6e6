// Timers: run a function at its schedule's times, never while its last run goes on.
import type { FunctionDefinition, TimerTrigger } from './function-definition.ts';
import type { RpcTypedData } from './core-contract.ts';
import type { HostLog } from './host-log.ts';
import type { Invoker } from './invocation.ts';

/** setTimeout takes 31 bits of milliseconds, and a machine may sleep meanwhile: look at the clock once an hour. */
const longestWaitMs = 3_600_000;

export interface RunningTimer {
  stop(): void;
}

/**
 * Starts the timer. The next due time is looked for when a run has ended: what fell due meanwhile is passed
 * over, as in the real host.
 */
export function startTimer(
  definition: FunctionDefinition,
  trigger: TimerTrigger,
  invoker: Invoker,
  log: HostLog,
): RunningTimer {
  let stopped = false;
  let waiting: NodeJS.Timeout | undefined;
  let lastDueAt = new Date(0);

  const run = async (reason: string): Promise<void> => {
    const { outcome, ended } = invoker.invoke({ definition, input: timerInput(), reason });
    // After a time-out the handler may still be at work; two at once would not be a timer.
    await Promise.all([outcome, ended]);
  };
  const waitForNext = (): void => {
    if (stopped) return;
    const now = new Date();
    // A timeout may fire a moment early; the same tick must not be found again.
    const dueAt = trigger.schedule.nextAfter(now > lastDueAt ? now : lastDueAt);
    if (dueAt === undefined) {
      log({
        category: 'Host.Triggers.Timer',
        level: 'warning',
        event: 'timer-never-due',
        message: `The schedule "${trigger.schedule.expression}" of ${definition.name} has no further time.`,
        details: { function: definition.name },
      });
      return;
    }
    lastDueAt = dueAt;
    waitUntil(dueAt);
  };
  const waitUntil = (dueAt: Date): void => {
    const remainingMs = dueAt.getTime() - Date.now();
    waiting = setTimeout(
      () => (remainingMs > longestWaitMs ? waitUntil(dueAt) : runThenWait('timer')),
      Math.max(0, Math.min(remainingMs, longestWaitMs)),
    );
  };
  const runThenWait = (reason: string): void => {
    if (stopped) return;
    void run(reason).then(waitForNext);
  };

  if (trigger.runOnStartup) runThenWait('run on startup');
  else waitForNext();
  return {
    stop: () => {
      stopped = true;
      clearTimeout(waiting);
    },
  };
}

/** As the host sends it, in Pascal case: the library makes it camel case. No monitor, so no status of the schedule. */
export function timerInput(): RpcTypedData {
  const input = { Schedule: { AdjustForDST: true }, ScheduleStatus: null, IsPastDue: false };
  return { json: JSON.stringify(input) };
}
