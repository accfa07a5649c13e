//! Counters, under GPGPU-Sim's names where it has them.

use crate::cache::Status;
use crate::request::Kind;
use std::fmt::Write;

/// Accesses of a cache by kind and outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheStats {
    /// By kind (reads, writes, atomics) and outcome (hit, hit reserved, miss, sector miss, reservation failure).
    pub counts: [[u64; 5]; 3],
}

/// Rows of [`CacheStats`].
const KINDS: [&str; 3] = ["GLOBAL_ACC_R", "GLOBAL_ACC_W", "ATOMIC"];
const OUTCOMES: [(&str, Status); 5] = [
    ("HIT", Status::Hit),
    ("HIT_RESERVED", Status::HitReserved),
    ("MISS", Status::Miss),
    ("SECTOR_MISS", Status::SectorMiss),
    ("RESERVATION_FAIL", Status::Fail),
];

impl CacheStats {
    pub(crate) fn count(&mut self, kind: Kind, status: Status) {
        let row = match kind {
            Kind::Read | Kind::WriteAllocate => 0,
            Kind::Write | Kind::WriteBack | Kind::L1WriteBack => 1,
            Kind::Atomic => 2,
        };
        let column = OUTCOMES.iter().position(|o| o.1 == status).unwrap_or(4);
        self.counts[row][column] += 1;
    }

    /// Accesses that were accepted.
    pub fn accesses(&self) -> u64 {
        self.counts.iter().flat_map(|row| &row[..4]).sum()
    }

    /// Those that found neither the sector nor a request for it.
    pub fn misses(&self) -> u64 {
        self.counts.iter().map(|row| row[2] + row[3]).sum()
    }

    /// Accesses by outcome, all kinds.
    pub fn outcome(&self, status: Status) -> u64 {
        let column = OUTCOMES.iter().position(|o| o.1 == status).unwrap_or(4);
        self.counts.iter().map(|row| row[column]).sum()
    }
}

/// Counters of memory channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DramStats {
    /// Command clocks in which the channel was looked at.
    pub commands: u64,
    /// Those in which a bank had work.
    pub active: u64,
    /// Requests.
    pub requests: u64,
    /// RD.
    pub reads: u64,
    /// WR of writes.
    pub writes: u64,
    /// WR of write-backs of L2.
    pub write_backs: u64,
    /// ACT.
    pub activates: u64,
    /// PRE.
    pub precharges: u64,
    /// Command clocks in which data moved.
    pub transfer: u64,
    /// Requests that were scheduled, and those of them that found their row open or being served.
    pub accesses: u64,
    /// See `accesses`.
    pub row_hits: u64,
}

/// Counters of a launch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Core cycles.
    pub cycles: u64,
    /// Command clocks of memory.
    pub dram_cycles: u64,
    /// Memory channels.
    pub channels: u64,
    /// Thread-instructions completed.
    pub instructions: u64,
    /// Warp-instructions issued.
    pub warp_instructions: u64,
    /// Warp-instructions issued by number of lanes, 0 to 32.
    pub lanes: Vec<u64>,
    /// Cycles of schedulers in which no warp had a valid instruction.
    pub idle: u64,
    /// ... in which all that were valid waited for registers.
    pub scoreboard: u64,
    /// ... in which what was ready found no place.
    pub stalled: u64,
    /// Warps resident, summed over the cycles of multiprocessors with work, and what they could have been.
    pub warp_slots: (u64, u64),
    /// Blocks.
    pub ctas: u64,
    /// Blocks that a multiprocessor may hold.
    pub ctas_per_core: u32,
    /// L1 data caches.
    pub l1: CacheStats,
    /// L2.
    pub l2: CacheStats,
    /// Memory channels.
    pub dram: DramStats,
    /// Accesses to shared memory, in cycles of its banks.
    pub shared_accesses: u64,
    /// Cycles more than one for each access, by conflicts of banks.
    pub shared_conflicts: u64,
    /// Cycles in which a load and store unit could not go on.
    pub memory_stalls: u64,
    /// Requests into the network: reads, writes.
    pub network_reads: u64,
    /// See `network_reads`.
    pub network_writes: u64,
    /// Cycles in which an L2 slice could not take a request, or send an answer.
    pub l2_input_stalls: u64,
    /// See `l2_input_stalls`.
    pub network_stalls: u64,
    /// Core cycles from leaving a multiprocessor to coming back, summed, and how many did.
    pub latency: (u64, u64),
}

impl Statistics {
    /// Thread-instructions for each cycle.
    pub fn ipc(&self) -> f64 {
        ratio(self.instructions, self.cycles)
    }

    /// The counters as lines `name = value`.
    pub fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a String cannot fail.
        let mut line = |name: &str, value: String| {
            let _ = writeln!(out, "{name} = {value}");
        };
        line("gpu_sim_cycle", self.cycles.to_string());
        line("gpu_sim_insn", self.instructions.to_string());
        line("gpu_ipc", format!("{:.4}", self.ipc()));
        line("gpu_tot_issued_cta", self.ctas.to_string());
        line(
            "gpu_occupancy",
            format!("{:.4}%", 100.0 * ratio(self.warp_slots.0, self.warp_slots.1)),
        );
        line("gpgpu_n_tot_w_icount", self.warp_instructions.to_string());
        line("gpgpu_n_stall_shd_mem", self.memory_stalls.to_string());
        line("gpgpu_n_shmem_bkconflict", self.shared_conflicts.to_string());
        line("gpgpu_n_mem_read_global", self.network_reads.to_string());
        line("gpgpu_n_mem_write_global", self.network_writes.to_string());
        line("gpu_stall_dramfull", self.l2_input_stalls.to_string());
        line("gpu_stall_icnt2sh", self.network_stalls.to_string());
        line(
            "averagemflatency",
            format!("{:.0}", ratio(self.latency.0, self.latency.1)),
        );
        let mut breakdown = format!(
            "Stall:{}\tW0_Idle:{}\tW0_Scoreboard:{}",
            self.stalled, self.idle, self.scoreboard
        );
        for (lanes, n) in self.lanes.iter().enumerate().skip(1) {
            let _ = write!(breakdown, "\tW{lanes}:{n}");
        }
        for (name, cache) in [("L1D", &self.l1), ("L2", &self.l2)] {
            line(
                &format!("{name}_total_cache_accesses"),
                cache.accesses().to_string(),
            );
            line(&format!("{name}_total_cache_misses"), cache.misses().to_string());
            let rate = ratio(cache.misses(), cache.accesses());
            line(&format!("{name}_total_cache_miss_rate"), format!("{rate:.4}"));
            line(
                &format!("{name}_total_cache_pending_hits"),
                cache.outcome(Status::HitReserved).to_string(),
            );
            line(
                &format!("{name}_total_cache_reservation_fails"),
                cache.outcome(Status::Fail).to_string(),
            );
            for (row, kind) in cache.counts.iter().zip(KINDS) {
                for (n, (outcome, _)) in row.iter().zip(OUTCOMES) {
                    line(
                        &format!("\t{name}_cache_stats_breakdown[{kind}][{outcome}]"),
                        n.to_string(),
                    );
                }
            }
        }
        let d = &self.dram;
        line("gpgpu_n_dram_reads", d.reads.to_string());
        line("gpgpu_n_dram_writes", (d.writes + d.write_backs).to_string());
        line("gpgpu_n_dram_activate", d.activates.to_string());
        line("gpgpu_n_dram_precharges", d.precharges.to_string());
        line("gpgpu_n_dram_requests", d.requests.to_string());
        line(
            "Row_Buffer_Locality",
            format!("{:.6}", ratio(d.row_hits, d.accesses)),
        );
        let cycles = self.dram_cycles * self.channels;
        line("bw_util", format!("{:.6}", ratio(d.transfer, cycles)));
        line("dram_eff", format!("{:.6}", ratio(d.transfer, d.active)));
        out.push_str("Warp Occupancy Distribution:\n");
        out.push_str(&breakdown);
        out.push('\n');
        out
    }
}

fn ratio(a: u64, b: u64) -> f64 {
    if b == 0 { 0.0 } else { a as f64 / b as f64 }
}
