// The clock by which purges run: real time, made faster or moved on by hand, so that 45 minutes need not pass.

export interface VirtualClock {
  /** Milliseconds since the epoch, in virtual time. */
  nowMs(): number;
  /** Moves virtual time on. */
  advance(ms: number): void;
  /** From now on, virtual time passes so many times as fast as real time. */
  setSpeed(speed: number): void;
  speed(): number;
  /** Back to real time. */
  reset(): void;
}

export function createVirtualClock(now: () => Date, initialSpeed: number): VirtualClock {
  let realMs = now().getTime();
  let virtualMs = realMs;
  let speed = initialSpeed;
  const nowMs = (): number => virtualMs + (now().getTime() - realMs) * speed;
  const settle = (ms: number): void => {
    realMs = now().getTime();
    virtualMs = ms;
  };
  return {
    nowMs,
    advance: (ms) => settle(nowMs() + ms),
    setSpeed(changed) {
      settle(nowMs());
      speed = changed;
    },
    speed: () => speed,
    reset() {
      settle(now().getTime());
      speed = initialSpeed;
    },
  };
}
