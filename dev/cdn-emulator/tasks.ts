// The CDN's asynchronous work: a purge or preload is accepted now, and each of its items ends later.
import { randomUUID } from 'node:crypto';
import type { PurgeUrl } from './purge-url.ts';
import type { Behaviour } from './settings.ts';

type TaskType = 'Purge' | 'Preload';
type ItemKind = 'file' | 'directory' | 'preload';
export type ItemStatus = 'Waiting' | 'Running' | 'Succeed' | 'Failed';

export interface Item {
  readonly kind: ItemKind;
  readonly target: PurgeUrl;
  readonly startsAtMs: number;
  readonly dueAtMs: number;
  /** A fault decided that this item ends in `Failed`. */
  readonly destinedToFail: boolean;
  readonly end: 'open' | 'ending' | 'Succeed' | 'Failed';
}

export interface Task {
  readonly id: string;
  readonly type: TaskType;
  readonly subscription: string;
  readonly endpointId: string;
  readonly startedAt: Date;
  readonly items: readonly Item[];
}

interface NewTask {
  readonly type: TaskType;
  readonly subscription: string;
  readonly endpointId: string;
  readonly files: readonly PurgeUrl[];
  readonly directories: readonly PurgeUrl[];
  readonly destinedToFail: (url: string) => boolean;
}

type TaskTimes = Pick<Behaviour, 'fileTaskMs' | 'directoryTaskMs' | 'preloadTaskMs'>;

export interface TaskPorts {
  readonly now: () => Date;
  readonly newId?: () => string;
  /** Does an item's work at its due time; false makes it `Failed`. */
  readonly carryOut: (item: Item) => boolean | Promise<boolean>;
}

export interface Tasks {
  start(task: NewTask, times: TaskTimes): Task;
  find(type: TaskType | undefined, endpointId: string, taskId: string): Task | undefined;
  /** Ends every item whose time has come. Called before each answer, so that a test's own clock suffices. */
  settleDue(): void;
  /** Forgets all tasks; their work is not done. Stops the timer. */
  reset(): void;
}

export function createTasks(ports: TaskPorts): Tasks {
  const tasks = new Map<string, Task>();
  const open = new Set<MutableItem>();
  let timer: NodeJS.Timeout | undefined;

  const settleDue = (): void => {
    const nowMs = ports.now().getTime();
    for (const item of open) {
      if (item.dueAtMs > nowMs) continue;
      open.delete(item);
      item.end = 'ending';
      void end(item);
    }
  };
  const end = async (item: MutableItem): Promise<void> => {
    if (item.destinedToFail) {
      item.end = 'Failed';
      return;
    }
    const done = ports.carryOut(item);
    // An eviction is synchronous: no request can come between it and the item's end.
    item.end = (typeof done === 'boolean' ? done : await done) ? 'Succeed' : 'Failed';
  };
  const wakeForNext = (): void => {
    clearTimeout(timer);
    if (open.size === 0) return;
    const nextDueAtMs = [...open].reduce((least, item) => Math.min(least, item.dueAtMs), Infinity);
    // At least 20 ms, since an injected clock may stand still.
    const delayMs = Math.min(Math.max(nextDueAtMs - ports.now().getTime(), 20), 60_000);
    timer = setTimeout(() => {
      settleDue();
      wakeForNext();
    }, delayMs).unref();
  };

  return {
    start(task, times) {
      const startedAt = ports.now();
      const startsAtMs = startedAt.getTime();
      const item = (kind: ItemKind, target: PurgeUrl, durationMs: number): MutableItem => ({
        kind,
        target,
        startsAtMs,
        dueAtMs: startsAtMs + durationMs,
        destinedToFail: task.destinedToFail(target.url),
        end: 'open',
      });
      const fileKind = task.type === 'Purge' ? 'file' : 'preload';
      const fileMs = task.type === 'Purge' ? times.fileTaskMs : times.preloadTaskMs;
      const items = [
        ...task.files.map((target) => item(fileKind, target, fileMs)),
        ...task.directories.map((target) => item('directory', target, times.directoryTaskMs)),
      ];
      const { type, subscription, endpointId } = task;
      const id = (ports.newId ?? randomUUID)();
      const started: Task = { id, type, subscription, endpointId, startedAt, items };
      tasks.set(started.id.toLowerCase(), started);
      for (const one of items) open.add(one);
      wakeForNext();
      return started;
    },
    find(type, endpointId, taskId) {
      const task = tasks.get(taskId.toLowerCase());
      if (task === undefined || task.endpointId !== endpointId) return undefined;
      return type === undefined || task.type === type ? task : undefined;
    },
    settleDue,
    reset() {
      clearTimeout(timer);
      tasks.clear();
      open.clear();
    },
  };
}

type MutableItem = Omit<Item, 'end'> & { end: Item['end'] };

/** An item's status as the query API shows it at an instant. */
export function itemStatus(item: Item, purgeItemsWait: boolean, now: Date): ItemStatus {
  switch (item.end) {
    case 'Succeed':
    case 'Failed':
      return item.end;
    case 'ending':
      return 'Running';
    case 'open': {
      const waits = item.kind === 'preload' || purgeItemsWait;
      return waits && now.getTime() < (item.startsAtMs + item.dueAtMs) / 2 ? 'Waiting' : 'Running';
    }
  }
}

/** The one overall status that only the operations API has. One failed item fails the operation. */
export function taskStatus(task: Task): 'Processing' | 'Succeeded' | 'Failed' {
  if (task.items.some(({ end }) => end === 'open' || end === 'ending')) return 'Processing';
  return task.items.some(({ end }) => end === 'Failed') ? 'Failed' : 'Succeeded';
}

/** When the last item is due. */
export function taskDueAt(task: Task): Date {
  return new Date(task.items.reduce((latest, { dueAtMs }) => Math.max(latest, dueAtMs), 0));
}
