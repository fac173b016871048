// Which readings are drawn together, first ones first.  Data only: what a machine does not have is
// left out.
export interface Panel {
  title: string;
  metrics: string[];
  unit?: string;
}

export const PANELS: Panel[] = [
  { title: 'GPU power', metrics: ['gpu_power_w'] },
  { title: 'GPU temperature', metrics: ['gpu_temp_c'] },
  { title: 'GPU utilisation', metrics: ['gpu_util_pct'] },
  { title: 'SM clock', metrics: ['gpu_sm_clock_mhz'] },
  { title: 'CPU busy', metrics: ['cpu_busy_pct'] },
  { title: 'Memory available', metrics: ['mem_available_mib'] },
  { title: 'Load', metrics: ['load1'] },
  { title: 'Network received', metrics: ['port_rx_mib', 'ib_rcv_mib'] },
  { title: 'Network sent', metrics: ['port_tx_mib', 'ib_xmit_mib'] },
  { title: 'Disk written', metrics: ['disk_written_mib'] },
  { title: 'Power, by its BMC', metrics: ['bmc_power_w', 'outlet_power_w'] },
  { title: 'Temperature', metrics: ['hwmon_temp_c', 'bmc_temp_c', 'cpu_temp_c'] },
];

/** Lines of one chart are told apart by these, in this order; past them they begin again. */
export const LINE_COLORS = ['--c-gate', '--c-down', '--good', '--c-repairing', '--c-suspect', '--c-held',
  '--accent', '--c-busy'];

/** At most so many lines a chart: more are a carpet. */
export const LINES_MOST = 16;
