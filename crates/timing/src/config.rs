//! The machine that a configuration describes, as typed values: read once, checked once. Whatever the model cannot do is
//! refused here, with option, file and line.

use crate::Error;
use crate::address::{AddressMap, Indexing};
use crate::cachespec::{CacheSpec, Level, WriteHit, WriteMiss};
use crate::dram::{DramSpec, Timings};
use crate::pipe::{CLASSES, Pipe};
use crate::reader::{MAX_LATENCY, MAX_WARPS, Reader, WARP};
use crate::scheduler::Policy;
use device::{Cycles, Device};

/// The machine.
#[derive(Clone, Debug)]
pub struct Config {
    /// A multiprocessor.
    pub core: CoreSpec,
    /// Everything behind.
    pub memory: MemorySpec,
    /// Clocks in kHz: multiprocessors, network, L2, memory.
    pub clocks: [u64; 4],
    /// Cycles before the first block of a launch, and for each of its blocks.
    pub launch_latency: (u64, u64),
    /// Look for launches that stand still.
    pub deadlock_detect: bool,
    /// End a launch with an error after so many cycles, or thread-instructions.
    pub limits: (Option<u64>, Option<u64>),
}

/// A set of operand collectors and its ways in and out.
#[derive(Clone, Debug)]
pub struct CollectorSpec {
    /// Whom it serves; all if none.
    pub pipe: Option<Pipe>,
    /// Collectors.
    pub units: u32,
    /// Instructions that enter in a step.
    pub in_ports: u32,
    /// Instructions that leave in a step.
    pub out_ports: u32,
}

/// A multiprocessor.
#[derive(Clone, Debug)]
pub struct CoreSpec {
    /// Clusters, and multiprocessors of each.
    pub clusters: u32,
    /// Multiprocessors of a cluster.
    pub per_cluster: u32,
    /// They take turns in being first within a cluster.
    pub rotate: bool,
    /// Warps.
    pub warps: u32,
    /// Blocks.
    pub ctas: u32,
    /// 32-bit registers.
    pub registers: u32,
    /// Shared memory, bytes.
    pub shared: u64,
    /// Start blocks although resources would not suffice.
    pub ignore_limits: bool,
    /// Warp schedulers.
    pub schedulers: u32,
    /// Which warp issues.
    pub policy: Policy,
    /// Instructions that a warp issues in a cycle, at most.
    pub issue: u32,
    /// Two of them must go to different units.
    pub different_units: bool,
    /// A scheduler has places of its own in the registers before the operand collectors.
    pub sub_cores: bool,
    /// Places between issue and operand collectors, by [`Pipe`].
    pub id_oc: [u32; CLASSES],
    /// Places between operand collectors and units, by [`Pipe`].
    pub oc_ex: [u32; CLASSES],
    /// Results that reach the end of the units in a cycle.
    pub results: u32,
    /// Units, by [`Pipe`]; one for memory.
    pub units: [u32; CLASSES],
    /// Latencies.
    pub latency: Cycles,
    /// Initiation intervals.
    pub initiation: Cycles,
    /// Operand collectors.
    pub collectors: Vec<CollectorSpec>,
    /// Banks of the register file.
    pub banks: u32,
    /// Reads of each bank in a cycle.
    pub bank_reads: u32,
    /// Warps that fetch in a cycle.
    pub fetches: u32,
    /// Banks of shared memory.
    pub shared_banks: u32,
    /// Only one word of shared memory is broadcast at a time.
    pub limited_broadcast: bool,
    /// Parts in which a warp accesses memory.
    pub warp_parts: u32,
    /// Latency of shared memory.
    pub shared_latency: u32,
    /// L1 data cache.
    pub l1: Option<L1Spec>,
    /// What shared memory leaves becomes L1.
    pub adaptive: bool,
    /// L1 and shared memory together: bytes, how many times the configured L1, and sizes of shared memory in order.
    pub unified: Option<(u64, u64, Vec<u64>)>,
    /// Global memory is not cached in L1.
    pub skip_l1: bool,
    /// Empty L1 after each launch, and at fences.
    pub flush_l1: bool,
    /// Answers from memory that wait at a multiprocessor.
    pub responses: usize,
    /// Answers from memory that wait at a cluster.
    pub ejection: usize,
    /// Local memory of neighbouring threads is interleaved by block.
    pub local_map: bool,
    /// Barriers of a block.
    pub barriers: u32,
}

/// The L1 data cache.
#[derive(Clone, Debug)]
pub struct L1Spec {
    /// Geometry and policies.
    pub cache: CacheSpec,
    /// Cycles from access to hit.
    pub latency: u32,
    /// Banks.
    pub banks: u32,
    /// Bytes after which the next bank follows.
    pub interleave: u32,
    /// How addresses spread over the banks.
    pub indexing: crate::hash::SetIndex,
}

/// Network, L2 and memory.
#[derive(Clone, Debug)]
pub struct MemorySpec {
    /// Every access is answered at once.
    pub perfect: bool,
    /// Memory channels, and L2 slices of each.
    pub channels: u32,
    /// L2 slices of a channel.
    pub slices: u32,
    /// Where an address lies.
    pub map: AddressMap,
    /// Packets that an input of the network holds.
    pub network_in: usize,
    /// Packets that an output of the network holds.
    pub network_out: usize,
    /// iSLIP rather than simple turns.
    pub islip: bool,
    /// Cycles between grants.
    pub grants: u32,
    /// The cache of a slice.
    pub l2: CacheSpec,
    /// Queues: network to L2, L2 to memory, memory to L2, L2 to network.
    pub queues: [usize; 4],
    /// Core cycles before an access enters L2.
    pub rop: u64,
    /// Core cycles before an access enters memory.
    pub dram_latency: u64,
    /// Memory has fixed latency and bandwidth.
    pub simple_dram: bool,
    /// A channel.
    pub dram: DramSpec,
    /// Copies fill L2.
    pub copies_fill: bool,
    /// Empty L2 after each launch.
    pub flush_l2: bool,
}

impl Config {
    /// What `device` describes.
    ///
    /// # Errors
    /// [`Error::Option`] for the first option that cannot be used.
    pub fn new(device: &Device) -> Result<Config, Error> {
        let r = Reader(&device.settings);
        crate::treatment::check(&r)?;
        let clocks = [
            device.clocks.core,
            device.clocks.interconnect,
            device.clocks.l2,
            device.clocks.memory,
        ]
        .map(|mhz| (mhz * 1000.0).round() as u64);
        if clocks.iter().any(|khz| *khz == 0 || *khz > 100_000_000) {
            return r.refuse("-gpgpu_clock_domains", "clocks are 0.001 to 100000 MHz");
        }
        let limit = |option: &'static str| Some(r.0.count(option)).filter(|n| *n > 0);
        Ok(Config {
            core: core(&r, device)?,
            memory: memory(&r)?,
            clocks,
            launch_latency: (
                r.number("-gpgpu_kernel_launch_latency", 0, 1 << 30)?.into(),
                r.number("-gpgpu_TB_launch_latency", 0, 1 << 30)?.into(),
            ),
            deadlock_detect: r.0.flag("-gpgpu_deadlock_detect"),
            limits: (limit("-gpgpu_max_cycle"), limit("-gpgpu_max_insn")),
        })
    }

    /// Multiprocessors.
    pub fn cores(&self) -> u32 {
        self.core.clusters * self.core.per_cluster
    }
}

/// `-gpgpu_pipeline_widths`: ID_OC of SP, DP, INT, SFU, MEM, OC_EX of the same, EX_WB, then tensor units.
fn widths(r: &Reader) -> Result<([u32; CLASSES], [u32; CLASSES], u32), Error> {
    const NAME: &str = "-gpgpu_pipeline_widths";
    let n: Vec<u32> = r.0.counts(NAME).iter().map(|n| *n as u32).collect();
    if n.len() < 11 {
        return r.refuse(
            NAME,
            "11 to 13 numbers are needed: early files with 7 are not modelled",
        );
    }
    if n.iter().any(|n| *n > 32) {
        return r.refuse(NAME, "a width is 32 at most");
    }
    let at = |i: usize| n.get(i).copied().unwrap_or(0);
    // In the order of `Pipe`: SP, DP, INT, SFU, TENSOR, MEM.
    let id_oc = [at(0), at(1), at(2), at(3), at(11), at(4)];
    let oc_ex = [at(5), at(6), at(7), at(8), at(12), at(9)];
    Ok((id_oc, oc_ex, at(10)))
}

fn core(r: &Reader, device: &Device) -> Result<CoreSpec, Error> {
    let schedulers = r.number("-gpgpu_num_sched_per_core", 1, 8)?;
    let sub_cores = r.0.flag("-gpgpu_sub_core_model");
    let (id_oc, oc_ex, results) = widths(r)?;
    let warps = device.max_threads_per_multiprocessor / WARP;
    if warps > MAX_WARPS {
        return r.refuse(
            "-gpgpu_shader_core_pipeline",
            format!("at most {} threads are modelled", MAX_WARPS * WARP),
        );
    }
    let tensor = match r.0.flag("-gpgpu_tensor_core_avail") {
        true => r.number("-gpgpu_num_tensor_core_units", 0, 16)?,
        false => 0,
    };
    let units = [
        r.number("-gpgpu_num_sp_units", 1, 16)?,
        r.number("-gpgpu_num_dp_units", 0, 16)?,
        r.number("-gpgpu_num_int_units", 0, 16)?,
        r.number("-gpgpu_num_sfu_units", 1, 16)?,
        tensor,
        1,
    ];
    for (class, pipe) in Pipe::ALL.into_iter().enumerate().filter(|(c, _)| units[*c] > 0) {
        let wrong = match () {
            () if id_oc[class] == 0 || oc_ex[class] == 0 => "there are such units, but no places before them",
            () if sub_cores && id_oc[class] != schedulers => {
                "with -gpgpu_sub_core_model each scheduler has one place before the operand collectors"
            }
            () => continue,
        };
        return r.refuse("-gpgpu_pipeline_widths", format!("{}: {wrong}", pipe.name()));
    }
    if results == 0 {
        return r.refuse("-gpgpu_pipeline_widths", "EX_WB is 0: no result could be written");
    }
    let banks = r.number("-gpgpu_num_reg_banks", 1, 64)?;
    if sub_cores && !banks.is_multiple_of(schedulers) {
        return r.refuse(
            "-gpgpu_num_reg_banks",
            format!("the {schedulers} schedulers cannot share them equally"),
        );
    }
    let shared_banks = r.number("-gpgpu_shmem_num_banks", 1, 64)?;
    let warp_parts = r.number("-gpgpu_shmem_warp_parts", 1, 2)?;
    if r.0.count("-gpgpu_coalesce_arch") < 40 {
        return r.refuse(
            "-gpgpu_coalesce_arch",
            "only accesses in sectors of 32 bytes are modelled, those of 40 and above",
        );
    }
    check_cycles(r, device, units)?;
    Ok(CoreSpec {
        clusters: r.number("-gpgpu_n_clusters", 1, 1024)?,
        per_cluster: r.number("-gpgpu_n_cores_per_cluster", 1, 64)?,
        rotate: r.0.get("-gpgpu_simt_core_sim_order") == "1",
        warps,
        ctas: r.number("-gpgpu_shader_cta", 1, 64)?,
        registers: device.registers_per_multiprocessor,
        shared: device.shared_per_multiprocessor,
        ignore_limits: r.0.flag("-gpgpu_ignore_resources_limitation"),
        schedulers,
        policy: Policy::read(r)?,
        issue: r.number("-gpgpu_max_insn_issue_per_warp", 1, 4)?,
        different_units: r.0.flag("-gpgpu_dual_issue_diff_exec_units"),
        sub_cores,
        id_oc,
        oc_ex,
        results,
        units,
        latency: device.latency,
        initiation: device.initiation,
        collectors: collectors(r, units)?,
        banks,
        bank_reads: r.number("-gpgpu_reg_file_port_throughput", 1, 16)?,
        fetches: r.number("-gpgpu_inst_fetch_throughput", 1, 16)?,
        shared_banks,
        limited_broadcast: r.0.flag("-gpgpu_shmem_limited_broadcast"),
        warp_parts,
        shared_latency: r.number("-gpgpu_smem_latency", 2, 4096)?,
        l1: l1(r)?,
        adaptive: r.0.flag("-gpgpu_adaptive_cache_config"),
        unified: unified(r)?,
        skip_l1: r.0.flag("-gpgpu_gmem_skip_L1D"),
        flush_l1: r.0.flag("-gpgpu_flush_l1_cache"),
        responses: r.number("-gpgpu_n_ldst_response_buffer_size", 1, 4096)? as usize,
        ejection: r.number("-gpgpu_n_cluster_ejection_buffer_size", 1, 4096)? as usize,
        local_map: r.0.flag("-gpgpu_local_mem_map"),
        barriers: r.number("-gpgpu_num_cta_barriers", 1, 16)?,
    })
}

/// Latencies must fit the pipelines, as in GPGPU-Sim: those of `.vf32` run in the SP units, which are as deep as the second
/// latency of single precision says.
fn check_cycles(r: &Reader, device: &Device, units: [u32; CLASSES]) -> Result<(), Error> {
    let (l, i) = (&device.latency, &device.initiation);
    let parts = |c: &device::OperationCycles| [c.add, c.max, c.mul, c.mad];
    let sfu_depth = l.dp.div.max(l.sfu);
    let dp = if units[Pipe::Dp as usize] > 0 {
        l.dp.max
    } else {
        sfu_depth
    };
    let int = if units[Pipe::Int as usize] > 0 {
        l.int.max.max(l.shuffle)
    } else {
        l.fp.max
    };
    let vp_depth = "MAX of -ptx_opcode_latency_fp, for .vf32 runs in the SP units";
    let int_from = "the larger of MAX and shuffle; without INT units, MAX of -ptx_opcode_latency_fp";
    let sfu_from = "the larger of DIV of -ptx_opcode_latency_dp and -ptx_opcode_latency_sfu";
    let names = |class: &str| match class {
        "int" => ("-ptx_opcode_latency_int", "-ptx_opcode_initiation_int"),
        "fp" => ("-ptx_opcode_latency_fp", "-ptx_opcode_initiation_fp"),
        "dp" => ("-ptx_opcode_latency_dp", "-ptx_opcode_initiation_dp"),
        "vp" => ("-ptx_opcode_latency_vp", "-ptx_opcode_initiation_vp"),
        "sfu" => ("-ptx_opcode_latency_sfu", "-ptx_opcode_initiation_sfu"),
        _ => ("-ptx_opcode_latency_tesnor", "-ptx_opcode_initiation_tensor"),
    };
    // Class, its latencies with their initiation intervals, depth of the pipeline, what gives that depth.
    let rows = [
        ("int", parts(&l.int), parts(&i.int), int, int_from),
        ("fp", parts(&l.fp), parts(&i.fp), l.fp.max, "MAX"),
        (
            "dp",
            parts(&l.dp),
            parts(&i.dp),
            dp,
            "MAX; without DP units, that of the SFU",
        ),
        ("vp", parts(&l.vp), parts(&i.vp), l.fp.max, vp_depth),
        ("int", [l.shuffle; 4], [i.shuffle; 4], int, int_from),
        ("int", [l.int.div; 4], [i.int.div; 4], sfu_depth, sfu_from),
        ("fp", [l.fp.div; 4], [i.fp.div; 4], sfu_depth, sfu_from),
        ("dp", [l.dp.div; 4], [i.dp.div; 4], sfu_depth, sfu_from),
        ("vp", [l.vp.div; 4], [i.vp.div; 4], sfu_depth, sfu_from),
        ("sfu", [l.sfu; 4], [i.sfu; 4], sfu_depth, sfu_from),
        ("tensor", [l.tensor; 4], [i.tensor; 4], l.tensor, "itself"),
    ];
    for (class, latencies, intervals, depth, from) in rows {
        let (latency_option, interval_option) = names(class);
        for (latency, interval) in latencies.into_iter().zip(intervals) {
            let (option, what) = match () {
                () if latency == 0 => (latency_option, "a latency is 1 at least".into()),
                () if interval == 0 => (interval_option, "an initiation interval is 1 at least".into()),
                () if latency >= MAX_LATENCY => (latency_option, format!("a latency is below {MAX_LATENCY}")),
                () if interval > latency => (
                    interval_option,
                    format!("an initiation interval of {interval} is longer than its latency, {latency}"),
                ),
                () if latency > depth => (
                    latency_option,
                    format!("a latency of {latency} is longer than the pipeline, {depth} ({from})"),
                ),
                () => continue,
            };
            return r.refuse(option, what);
        }
    }
    Ok(())
}

/// The operand collectors, in GPGPU-Sim's order: those for all, then those for one kind of unit.
fn collectors(r: &Reader, units: [u32; CLASSES]) -> Result<Vec<CollectorSpec>, Error> {
    let mut list = Vec::new();
    let mut set = |pipe, names: [&'static str; 3]| -> Result<(), Error> {
        let spec = CollectorSpec {
            pipe,
            units: r.number(names[0], 0, 64)?,
            in_ports: r.number(names[1], 0, 64)?,
            out_ports: r.number(names[2], 0, 64)?,
        };
        if spec.units > 0 {
            list.push(spec);
        }
        Ok(())
    };
    macro_rules! names {
        ($kind:literal) => {
            [
                concat!("-gpgpu_operand_collector_num_units_", $kind),
                concat!("-gpgpu_operand_collector_num_in_ports_", $kind),
                concat!("-gpgpu_operand_collector_num_out_ports_", $kind),
            ]
        };
    }
    set(None, names!("gen"))?;
    if r.0.flag("-gpgpu_enable_specialized_operand_collector") {
        set(Some(Pipe::Sp), names!("sp"))?;
        set(Some(Pipe::Dp), names!("dp"))?;
        set(Some(Pipe::Tensor), names!("tensor_core"))?;
        set(Some(Pipe::Sfu), names!("sfu"))?;
        set(Some(Pipe::Mem), names!("mem"))?;
        set(Some(Pipe::Int), names!("int"))?;
    }
    const ALL: &str = "-gpgpu_operand_collector_num_units_gen";
    if list.iter().map(|s| s.units).sum::<u32>() > 64 {
        return r.refuse(ALL, "there are more than 64 operand collectors");
    }
    for pipe in Pipe::ALL {
        let serves =
            |s: &&CollectorSpec| s.pipe.is_none_or(|p| p == pipe) && s.out_ports > 0 && s.in_ports > 0;
        if units[pipe as usize] > 0 && !list.iter().any(|s| serves(&s)) {
            return r.refuse(
                ALL,
                format!("no operand collector serves the {} units", pipe.name()),
            );
        }
    }
    Ok(list)
}

/// `-gpgpu_unified_l1d_size` and `-gpgpu_shmem_option`.
fn unified(r: &Reader) -> Result<Option<(u64, u64, Vec<u64>)>, Error> {
    const NAME: &str = "-gpgpu_unified_l1d_size";
    let size = u64::from(r.number(NAME, 0, 1 << 20)?) << 10;
    if size == 0 || r.0.get("-gpgpu_cache:dl1") == "none" {
        return Ok(None);
    }
    let cache = CacheSpec::read(r, "-gpgpu_cache:dl1", Level::L1)?;
    let configured = u64::from(cache.sets) * u64::from(cache.line) * u64::from(cache.ways);
    if !size.is_multiple_of(configured) {
        return r.refuse(
            NAME,
            format!(
                "it is no multiple of the L1 of -gpgpu_cache:dl1, {} KiB",
                configured >> 10
            ),
        );
    }
    let mut steps: Vec<u64> =
        r.0.counts("-gpgpu_shmem_option")
            .iter()
            .map(|kib| kib << 10)
            .collect();
    steps.sort_unstable();
    if steps.last().is_some_and(|s| *s > size) {
        return r.refuse(
            "-gpgpu_shmem_option",
            "a size is larger than -gpgpu_unified_l1d_size",
        );
    }
    Ok(Some((size, size / configured, steps)))
}

fn l1(r: &Reader) -> Result<Option<L1Spec>, Error> {
    const NAME: &str = "-gpgpu_cache:dl1";
    if r.0.get(NAME) == "none" {
        return Ok(None);
    }
    let banks = r.number("-gpgpu_l1_banks", 1, 64)?;
    if !banks.is_power_of_two() {
        return r.refuse("-gpgpu_l1_banks", "a power of two is needed");
    }
    let interleave = r.number("-gpgpu_l1_banks_byte_interleaving", 1, 1 << 20)?;
    if !interleave.is_power_of_two() {
        return r.refuse("-gpgpu_l1_banks_byte_interleaving", "a power of two is needed");
    }
    let indexing = match r.number("-gpgpu_l1_banks_hashing_function", 0, 2)? {
        0 => crate::hash::SetIndex::Linear,
        1 => crate::hash::SetIndex::Xor,
        _ if matches!(banks, 16 | 32 | 64) => crate::hash::SetIndex::Ipoly,
        _ => {
            return r.refuse(
                "-gpgpu_l1_banks_hashing_function",
                "IPOLY needs 16, 32 or 64 banks",
            );
        }
    };
    Ok(Some(L1Spec {
        cache: CacheSpec::read(r, NAME, Level::L1)?,
        latency: r.number("-gpgpu_l1_latency", 1, 4096)?,
        banks,
        interleave,
        indexing,
    }))
}

fn memory(r: &Reader) -> Result<MemorySpec, Error> {
    let channels = r.number("-gpgpu_n_mem", 1, 128)?;
    let slices = r.number("-gpgpu_n_sub_partition_per_mchannel", 1, 16)?;
    if !slices.is_power_of_two() {
        return r.refuse("-gpgpu_n_sub_partition_per_mchannel", "a power of two is needed");
    }
    let mut queues = [0; 4];
    for (queue, n) in queues.iter_mut().zip(r.0.counts("-gpgpu_dram_partition_queues")) {
        *queue = n as usize;
    }
    if queues.contains(&0) || queues[0] < 4 || queues.iter().any(|q| *q > 1 << 16) {
        return r.refuse(
            "-gpgpu_dram_partition_queues",
            "each queue has 1 to 65536 places, the first 4 at least",
        );
    }
    let indexing = match r.0.count("-gpgpu_memory_partition_indexing") {
        0 => Indexing::Plain,
        1 if channels.is_power_of_two() => Indexing::Xor,
        2 if matches!(channels.next_power_of_two() * slices, 16 | 32 | 64) => Indexing::Ipoly,
        1 => {
            return r.refuse(
                "-gpgpu_memory_partition_indexing",
                "1 needs a power of two of channels",
            );
        }
        2 => {
            return r.refuse(
                "-gpgpu_memory_partition_indexing",
                "IPOLY needs 16, 32 or 64 slices (channels, rounded up to a power of two, times slices of each)",
            );
        }
        _ => {
            return r.refuse(
                "-gpgpu_memory_partition_indexing",
                "0 (none), 1 (XOR) and 2 (IPOLY) are modelled",
            );
        }
    };
    let l2 = CacheSpec::read(r, "-gpgpu_cache:dl2", Level::L2)?;
    let dram = dram(r)?;
    if dram.writes.is_some() && (l2.hit != WriteHit::Back || l2.miss == WriteMiss::Forward) {
        return r.refuse(
            "-dram_seperate_write_queue_enable",
            "an L2 that sends writes on (write policy other than B, or write allocation N) waits for their \
             acknowledgement, and the write queue waits for more writes: nothing would move",
        );
    }
    Ok(MemorySpec {
        perfect: r.0.flag("-gpgpu_perfect_mem"),
        channels,
        slices,
        map: AddressMap::read(r, channels, slices, indexing)?,
        network_in: r.number("-icnt_in_buffer_limit", 1, 1 << 20)? as usize,
        network_out: r.number("-icnt_out_buffer_limit", 1, 1 << 20)? as usize,
        islip: r.number("-icnt_arbiter_algo", 0, 1)? == 1,
        grants: r.number("-icnt_grant_cycles", 1, 1 << 20)?,
        l2,
        queues,
        rop: r.number("-gpgpu_l2_rop_latency", 0, 1 << 20)?.into(),
        dram_latency: r.number("-dram_latency", 0, 1 << 20)?.into(),
        simple_dram: r.0.flag("-gpgpu_simple_dram_model"),
        dram,
        copies_fill: r.0.flag("-gpgpu_perf_sim_memcpy"),
        flush_l2: r.0.flag("-gpgpu_flush_l2_cache"),
    })
}

fn dram(r: &Reader) -> Result<DramSpec, Error> {
    let ratio = r.number("-dram_data_command_freq_ratio", 1, 64)?;
    let burst = r.number("-gpgpu_dram_burst_length", 1, 1024)?;
    let atom = u64::from(burst) * r.0.count("-gpgpu_dram_buswidth") * r.0.count("-gpgpu_n_mem_per_ctrlr");
    if atom == 0 || atom > 1 << 16 {
        return r.refuse(
            "-gpgpu_dram_burst_length",
            "burst x bus width x chips is 1 to 65536 bytes",
        );
    }
    let bank_indexing = match r.0.count("-dram_bnk_indexing_policy") {
        0 => crate::hash::SetIndex::Linear,
        1 => crate::hash::SetIndex::Xor,
        _ => {
            return r.refuse(
                "-dram_bnk_indexing_policy",
                "0 (plain) and 1 (XOR with the row) are modelled",
            );
        }
    };
    let mut writes = [0; 3];
    for (w, n) in writes.iter_mut().zip(r.0.counts("-dram_write_queue_size")) {
        *w = n as usize;
    }
    let [size, high, low] = writes;
    let separate = r.0.flag("-dram_seperate_write_queue_enable");
    if separate && !(low <= high && high <= size && size > 0) {
        return r.refuse(
            "-dram_write_queue_size",
            "size:high:low with low <= high <= size is needed",
        );
    }
    let fifo = r.number("-gpgpu_dram_scheduler", 0, 1)? == 0;
    if fifo && separate {
        return r.refuse(
            "-dram_seperate_write_queue_enable",
            "only with -gpgpu_dram_scheduler 1",
        );
    }
    let turnaround = !r.0.flag("-dram_elimnate_rw_turnaround");
    Ok(DramSpec {
        timings: Timings::read(r, burst / ratio, turnaround)?,
        fifo,
        queue: r.number("-gpgpu_frfcfs_dram_sched_queue_size", 0, 1 << 20)? as usize,
        returns: r.number("-gpgpu_dram_return_queue_size", 0, 1 << 20)? as usize,
        atom: atom as u32,
        dual_bus: r.0.flag("-dram_dual_bus_interface"),
        bank_indexing,
        groups_low: match r.0.count("-dram_bnkgrp_indexing_policy") {
            0 => false,
            1 => true,
            _ => {
                return r.refuse(
                    "-dram_bnkgrp_indexing_policy",
                    "0 (high bits) and 1 (low bits) are modelled",
                );
            }
        },
        writes: separate.then_some((size, high, low)),
    })
}
