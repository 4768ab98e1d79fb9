/**
 * What happens between a plugin and the service behind it, told as it happens: `retried`, an attempt failed and is made
 * again; `throttled`, the service asks for less load (a throttled attempt that is made again tells both); `reconnected`,
 * a lost connection stands again. Later versions of the contract may add to these.
 */
export type PluginEvent = "retried" | "throttled" | "reconnected";

/** Takes what a plugin tells about itself for `/metrics`, where it is `plugin_events_total{plugin,event}`. */
export interface PluginMetrics {
  /** Counts `times` events, one when absent. Never throws, and costs next to nothing. */
  count(event: PluginEvent, times?: number): void;
}
