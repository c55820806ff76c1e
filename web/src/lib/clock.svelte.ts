/** The console's clock, one tick a second: what shows an age or a time follows it. */
class Clock {
  /** ms. */
  now = $state(Date.now());
}

export const clock = new Clock();
