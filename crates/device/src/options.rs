//! Every configuration option: name, form of its value, default, meaning, and who uses it. Parser, checks and the reference
//! page follow from this table. Names are those of GPGPU-Sim, so that its configuration files can be used as they are.
//!
//! Defaults of options that programs can see describe Vernier's built-in device (GPGPU-Sim's are those of a GPU of 2008,
//! which could not run today's programs); all others are GPGPU-Sim's.

/// What the value of an option looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `0` or `1`.
    Flag,
    /// A whole number within bounds (both included).
    Whole {
        /// The smallest allowed.
        least: i64,
        /// The largest allowed.
        most: i64,
    },
    /// Several whole numbers, none negative.
    Numbers {
        /// What stands between two.
        separator: char,
        /// The least number of numbers.
        least: usize,
        /// The largest number of numbers.
        most: usize,
    },
    /// Four clocks in MHz, separated by colons.
    Clocks,
    /// Geometry and policies of a cache, or `none`.
    Cache,
    /// Memory timing: numbers or NAME=VALUE, separated by colons.
    DramTiming,
    /// A warp scheduler.
    Scheduler,
    /// Any text.
    Text,
}

/// Who uses an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Functional simulation does.
    Now,
    /// Kept for performance simulation.
    Later,
    /// Nobody: accepted so that existing files can be used.
    Never,
}

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct OptionSpec {
    /// Name with its leading `-`.
    pub name: &'static str,
    /// What its value looks like.
    pub kind: Kind,
    /// The value that holds when no file gives one; empty for none.
    pub default: &'static str,
    /// Who uses it.
    pub used: Use,
    /// What it means, with unit.
    pub meaning: &'static str,
}

const FLAG: Kind = Kind::Flag;
const COUNT: Kind = Kind::Whole {
    least: 0,
    most: i64::MAX,
};
const AT_LEAST_1: Kind = Kind::Whole {
    least: 1,
    most: i64::MAX,
};
const WHOLE: Kind = Kind::Whole {
    least: i64::MIN,
    most: i64::MAX,
};
/// ADD,MAX,MUL,MAD,DIV.
const FIVE: Kind = Kind::Numbers {
    separator: ',',
    least: 5,
    most: 5,
};

/// The warp schedulers that GPGPU-Sim knows; what follows a colon are their parameters.
pub(crate) const SCHEDULERS: [&str; 5] = ["gto", "lrr", "old", "two_level_active", "warp_limiting"];

/// The names of memory timing parameters.
pub(crate) const DRAM_TIMINGS: [&str; 14] = [
    "nbk", "CCD", "RRD", "RCD", "RAS", "RP", "RC", "CL", "WL", "CDLR", "WR", "nbkgrp", "CCDL", "RTPL",
];

/// Other names that files use, and what the option is called in the table.
pub(crate) const EARLIER_NAMES: [(&str, &str); 6] = [
    // Both spellings of tensor, of both options.
    ("-ptx_opcode_latency_tensor", "-ptx_opcode_latency_tesnor"),
    ("-ptx_opcode_initiation_tesnor", "-ptx_opcode_initiation_tensor"),
    ("-rop_latency", "-gpgpu_l2_rop_latency"),
    ("-gmem_skip_L1D", "-gpgpu_gmem_skip_L1D"),
    ("-smem_latency", "-gpgpu_smem_latency"),
    (
        "-gpgpu_dram_sched_queue_size",
        "-gpgpu_frfcfs_dram_sched_queue_size",
    ),
];

const fn option(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    used: Use,
    meaning: &'static str,
) -> OptionSpec {
    OptionSpec {
        name,
        kind,
        default,
        used,
        meaning,
    }
}

use Use::{Later, Never, Now};

/// All options there are.
#[rustfmt::skip]
pub const OPTIONS: &[OptionSpec] = &[
    // What the programs see: used now.
    option("-vernier_device_name", Kind::Text, "", Now, "Name that programs are told; without it, the name of the configuration's folder. Vernier's own option"),
    option("-vernier_memory_size", AT_LEAST_1, "16384", Now, "Device memory in MiB. Vernier's own option"),
    option("-gpgpu_ptx_sim_mode", FLAG, "0", Now, "1: functional simulation (results only), 0: performance simulation (cycles too)"),
    option("-gpgpu_generate_ptx", FLAG, "1", Now, "1: write the PTX embedded in the program beside it and run that; 0: run the PTX files found there"),
    option("-gpgpu_compute_capability_major", AT_LEAST_1, "7", Now, "Compute capability, the digit before the point"),
    option("-gpgpu_compute_capability_minor", COUNT, "5", Now, "Compute capability, the digit after the point"),
    option("-gpgpu_n_clusters", AT_LEAST_1, "40", Now, "Number of clusters of multiprocessors"),
    option("-gpgpu_n_cores_per_cluster", AT_LEAST_1, "1", Now, "Multiprocessors in each cluster"),
    option("-gpgpu_shader_core_pipeline", Kind::Numbers { separator: ':', least: 2, most: 2 }, "1024:32", Now, "Threads that a multiprocessor holds, and threads in a warp (32)"),
    option("-gpgpu_shader_cta", AT_LEAST_1, "16", Now, "Thread blocks that a multiprocessor holds"),
    option("-gpgpu_shader_registers", AT_LEAST_1, "65536", Now, "32-bit registers of a multiprocessor"),
    option("-gpgpu_registers_per_block", AT_LEAST_1, "65536", Now, "32-bit registers that one thread block may have"),
    option("-gpgpu_shmem_size", COUNT, "65536", Now, "Shared memory of a multiprocessor in bytes"),
    option("-gpgpu_shmem_per_block", COUNT, "65536", Now, "Shared memory that one thread block may ask for, in bytes; more than 49152 only by opting in"),
    option("-gpgpu_cache:dl2", Kind::Cache, "S:64:128:32,L:B:m:L:P,A:192:4,32:0,32", Now, "L2 cache of one memory partition (its size counts already, the rest later)"),
    option("-gpgpu_n_mem", AT_LEAST_1, "8", Now, "Memory controllers"),
    option("-gpgpu_n_sub_partition_per_mchannel", AT_LEAST_1, "2", Now, "L2 partitions at each memory controller"),
    option("-gpgpu_n_mem_per_ctrlr", AT_LEAST_1, "1", Now, "Memory chips at each memory controller"),
    option("-gpgpu_dram_buswidth", AT_LEAST_1, "4", Now, "Data bus of one memory chip in bytes"),
    option("-dram_data_command_freq_ratio", AT_LEAST_1, "4", Now, "Data transfers for each command clock: 2 for DDR and HBM, 4 for GDDR5 and GDDR6"),
    option("-gpgpu_clock_domains", Kind::Clocks, "1590:1590:1590:2500", Now, "Clocks of multiprocessors, interconnect, L2 and memory in MHz"),
    option("-gpgpu_max_concurrent_kernel", AT_LEAST_1, "128", Now, "Kernels that may run at the same time"),
    option("-gpgpu_stack_size_limit", COUNT, "1024", Now, "Stack of a thread in bytes, until the program sets another"),
    option("-gpgpu_heap_size_limit", COUNT, "8388608", Now, "Heap for malloc() in kernels in bytes, until the program sets another"),
    option("-gpgpu_runtime_sync_depth_limit", COUNT, "2", Now, "Depth to which kernels that launch kernels may wait for them"),
    option("-gpgpu_runtime_pending_launch_count_limit", COUNT, "2048", Now, "Launches by kernels that may wait at a time"),
    option("-gpgpu_cdp_enabled", FLAG, "0", Later, "1: kernels may launch kernels"),
    // Limits of a simulation.
    option("-gpgpu_max_cycle", COUNT, "0", Later, "End the simulation after so many cycles; 0: no limit"),
    option("-gpgpu_max_insn", COUNT, "0", Later, "End the simulation after so many instructions; 0: no limit"),
    option("-gpgpu_max_cta", COUNT, "0", Later, "End the simulation after so many thread blocks started; 0: no limit"),
    option("-gpgpu_max_completed_cta", COUNT, "0", Later, "End the simulation after so many thread blocks completed; 0: no limit"),
    option("-gpgpu_deadlock_detect", FLAG, "1", Later, "Stop when nothing moves any more"),
    option("-liveness_message_freq", COUNT, "1", Never, "Least number of seconds between messages that the simulation is alive; 0: all of them"),
    // Instruction latencies and initiation intervals, in core cycles.
    option("-ptx_opcode_latency_int", Kind::Numbers { separator: ',', least: 5, most: 6 }, "1,1,19,25,145,32", Later, "Latency of integer ADD,MAX,MUL,MAD,DIV and shuffles"),
    option("-ptx_opcode_latency_fp", FIVE, "1,1,1,1,30", Later, "Latency of single precision ADD,MAX,MUL,MAD,DIV"),
    option("-ptx_opcode_latency_dp", FIVE, "8,8,8,8,335", Later, "Latency of double precision ADD,MAX,MUL,MAD,DIV"),
    option("-ptx_opcode_latency_vp", FIVE, "1,1,1,1,30", Later, "Latency of variable precision ADD,MAX,MUL,MAD,DIV"),
    option("-ptx_opcode_latency_sfu", COUNT, "8", Later, "Latency of special functions"),
    option("-ptx_opcode_latency_tesnor", COUNT, "64", Later, "Latency of tensor cores (the name is spelt like this)"),
    option("-ptx_opcode_initiation_int", Kind::Numbers { separator: ',', least: 5, most: 6 }, "1,1,4,4,32,4", Later, "Cycles between integer ADD,MAX,MUL,MAD,DIV and shuffles"),
    option("-ptx_opcode_initiation_fp", FIVE, "1,1,1,1,5", Later, "Cycles between single precision ADD,MAX,MUL,MAD,DIV"),
    option("-ptx_opcode_initiation_dp", FIVE, "8,8,8,8,130", Later, "Cycles between double precision ADD,MAX,MUL,MAD,DIV"),
    option("-ptx_opcode_initiation_vp", FIVE, "1,1,1,1,5", Later, "Cycles between variable precision ADD,MAX,MUL,MAD,DIV"),
    option("-ptx_opcode_initiation_sfu", COUNT, "8", Later, "Cycles between special functions"),
    option("-ptx_opcode_initiation_tensor", COUNT, "64", Later, "Cycles between tensor core operations"),
    option("-gpgpu_kernel_launch_latency", COUNT, "0", Later, "Cycles that a kernel launch takes"),
    option("-gpgpu_TB_launch_latency", COUNT, "0", Later, "Cycles that starting a thread block takes"),
    option("-cdp_latency", Kind::Numbers { separator: ',', least: 5, most: 5 }, "7200,8000,100,12000,1600", Later, "Cycles of the calls by which kernels launch kernels"),
    // Multiprocessor: issue, pipelines, units.
    option("-gpgpu_simd_model", WHOLE, "1", Later, "How diverging threads come together: 1, at the immediate post-dominator"),
    option("-gpgpu_num_sched_per_core", AT_LEAST_1, "1", Later, "Warp schedulers of a multiprocessor"),
    option("-gpgpu_scheduler", Kind::Scheduler, "gto", Later, "Which warp issues next"),
    option("-gpgpu_max_insn_issue_per_warp", AT_LEAST_1, "2", Later, "Instructions that a warp may issue in a cycle"),
    option("-gpgpu_dual_issue_diff_exec_units", FLAG, "1", Later, "1: two instructions issued at once must go to different units"),
    option("-gpgpu_simt_core_sim_order", WHOLE, "1", Later, "Order in which the multiprocessors of a cluster are simulated: 0 fixed, 1 in turns"),
    option("-gpgpu_sub_core_model", FLAG, "0", Later, "1: each scheduler has registers and units of its own"),
    option("-gpgpu_pipeline_widths", Kind::Numbers { separator: ',', least: 7, most: 13 }, "1,1,1,1,1,1,1,1,1,1,1,1,1", Later, "Instructions in each pipeline register: issue to operands for SP, DP, INT, SFU, MEM, operands to execution for the same, write-back, and both for tensor cores"),
    option("-gpgpu_num_sp_units", COUNT, "1", Later, "Single precision units"),
    option("-gpgpu_num_dp_units", COUNT, "0", Later, "Double precision units"),
    option("-gpgpu_num_int_units", COUNT, "0", Later, "Integer units"),
    option("-gpgpu_num_sfu_units", COUNT, "1", Later, "Special function units"),
    option("-gpgpu_num_mem_units", COUNT, "1", Later, "Load and store units"),
    option("-gpgpu_tensor_core_avail", FLAG, "0", Later, "1: there are tensor cores"),
    option("-gpgpu_num_tensor_core_units", COUNT, "0", Later, "Tensor cores"),
    option("-specialized_unit_1", Kind::Text, "0,4,4,4,4,BRA", Later, "A unit of one's own: on, number, latency, initiation interval, pipeline widths, name"),
    option("-specialized_unit_2", Kind::Text, "0,4,4,4,4,BRA", Later, "As -specialized_unit_1"),
    option("-specialized_unit_3", Kind::Text, "0,4,4,4,4,BRA", Later, "As -specialized_unit_1"),
    option("-specialized_unit_4", Kind::Text, "0,4,4,4,4,BRA", Later, "As -specialized_unit_1"),
    option("-specialized_unit_5", Kind::Text, "0,4,4,4,4,BRA", Later, "As -specialized_unit_1"),
    option("-specialized_unit_6", Kind::Text, "0,4,4,4,4,BRA", Later, "As -specialized_unit_1"),
    option("-specialized_unit_7", Kind::Text, "0,4,4,4,4,BRA", Later, "As -specialized_unit_1"),
    option("-specialized_unit_8", Kind::Text, "0,4,4,4,4,BRA", Later, "As -specialized_unit_1"),
    option("-gpgpu_num_reg_banks", AT_LEAST_1, "8", Later, "Banks of the register file"),
    option("-gpgpu_reg_bank_use_warp_id", FLAG, "0", Later, "1: the warp number takes part in choosing the register bank"),
    option("-gpgpu_reg_file_port_throughput", AT_LEAST_1, "1", Later, "Ports of each register bank"),
    option("-gpgpu_enable_specialized_operand_collector", FLAG, "1", Later, "1: operand collectors belong to one kind of unit, 0: any may serve all"),
    option("-gpgpu_operand_collector_num_units_sp", COUNT, "4", Later, "Operand collectors for SP units"),
    option("-gpgpu_operand_collector_num_units_dp", COUNT, "0", Later, "Operand collectors for DP units"),
    option("-gpgpu_operand_collector_num_units_sfu", COUNT, "4", Later, "Operand collectors for SFU units"),
    option("-gpgpu_operand_collector_num_units_int", COUNT, "0", Later, "Operand collectors for INT units"),
    option("-gpgpu_operand_collector_num_units_tensor_core", COUNT, "4", Later, "Operand collectors for tensor cores"),
    option("-gpgpu_operand_collector_num_units_mem", COUNT, "2", Later, "Operand collectors for load and store units"),
    option("-gpgpu_operand_collector_num_units_gen", COUNT, "0", Later, "Operand collectors for any unit"),
    option("-gpgpu_operand_collector_num_in_ports_sp", COUNT, "1", Later, "Instructions that enter the SP collectors in a cycle"),
    option("-gpgpu_operand_collector_num_in_ports_dp", COUNT, "0", Later, "Instructions that enter the DP collectors in a cycle"),
    option("-gpgpu_operand_collector_num_in_ports_sfu", COUNT, "1", Later, "Instructions that enter the SFU collectors in a cycle"),
    option("-gpgpu_operand_collector_num_in_ports_int", COUNT, "0", Later, "Instructions that enter the INT collectors in a cycle"),
    option("-gpgpu_operand_collector_num_in_ports_tensor_core", COUNT, "1", Later, "Instructions that enter the tensor core collectors in a cycle"),
    option("-gpgpu_operand_collector_num_in_ports_mem", COUNT, "1", Later, "Instructions that enter the load and store collectors in a cycle"),
    option("-gpgpu_operand_collector_num_in_ports_gen", COUNT, "0", Later, "Instructions that enter the general collectors in a cycle"),
    option("-gpgpu_operand_collector_num_out_ports_sp", COUNT, "1", Later, "Instructions that leave the SP collectors in a cycle"),
    option("-gpgpu_operand_collector_num_out_ports_dp", COUNT, "0", Later, "Instructions that leave the DP collectors in a cycle"),
    option("-gpgpu_operand_collector_num_out_ports_sfu", COUNT, "1", Later, "Instructions that leave the SFU collectors in a cycle"),
    option("-gpgpu_operand_collector_num_out_ports_int", COUNT, "0", Later, "Instructions that leave the INT collectors in a cycle"),
    option("-gpgpu_operand_collector_num_out_ports_tensor_core", COUNT, "1", Later, "Instructions that leave the tensor core collectors in a cycle"),
    option("-gpgpu_operand_collector_num_out_ports_mem", COUNT, "1", Later, "Instructions that leave the load and store collectors in a cycle"),
    option("-gpgpu_operand_collector_num_out_ports_gen", COUNT, "0", Later, "Instructions that leave the general collectors in a cycle"),
    option("-gpgpu_inst_fetch_throughput", AT_LEAST_1, "1", Later, "Instructions fetched for a warp in a cycle"),
    option("-gpgpu_num_cta_barriers", AT_LEAST_1, "16", Later, "Named barriers of a thread block"),
    option("-gpgpu_ignore_resources_limitation", FLAG, "0", Later, "1: blocks start although registers or shared memory would not suffice"),
    option("-gpgpu_concurrent_kernel_sm", FLAG, "0", Later, "1: blocks of different kernels may share a multiprocessor"),
    option("-gpgpu_warpdistro_shader", WHOLE, "-1", Never, "Multiprocessor whose warp sizes are recorded; -1: all"),
    option("-gpgpu_warp_issue_shader", WHOLE, "0", Never, "Multiprocessor whose issue slots are recorded"),
    option("-gpgpu_occupancy_sm_number", COUNT, "0", Later, "Architecture whose rules give the occupancy of a kernel"),
    // Shared memory and coalescing.
    option("-gpgpu_shmem_num_banks", AT_LEAST_1, "16", Later, "Banks of the shared memory"),
    option("-gpgpu_shmem_limited_broadcast", FLAG, "1", Later, "1: only one word can be broadcast in a cycle"),
    option("-gpgpu_shmem_warp_parts", AT_LEAST_1, "2", Later, "Parts in which a warp's access to shared memory is checked for conflicts"),
    option("-gpgpu_smem_latency", COUNT, "3", Later, "Latency of shared memory in core cycles"),
    option("-gpgpu_shmem_sizeDefault", COUNT, "16384", Later, "Shared memory when the kernel prefers nothing, in bytes"),
    option("-gpgpu_shmem_size_PrefL1", COUNT, "16384", Later, "Shared memory when the kernel prefers L1 cache, in bytes"),
    option("-gpgpu_shmem_size_PrefShared", COUNT, "16384", Later, "Shared memory when the kernel prefers shared memory, in bytes"),
    option("-gpgpu_adaptive_cache_config", FLAG, "0", Later, "1: what shared memory leaves of the unified memory becomes L1 cache"),
    option("-gpgpu_shmem_option", Kind::Numbers { separator: ',', least: 1, most: 16 }, "0", Later, "Sizes of shared memory to choose from, in KiB"),
    option("-gpgpu_unified_l1d_size", COUNT, "0", Later, "L1 cache and shared memory together, in KiB"),
    option("-gpgpu_mem_unit_ports", AT_LEAST_1, "1", Later, "Memory transactions that a multiprocessor handles in a cycle"),
    option("-gpgpu_coalesce_arch", COUNT, "13", Later, "Architecture whose rules combine accesses: 13 GT200, 20 Fermi, and so on"),
    option("-gpgpu_local_mem_map", FLAG, "1", Later, "1: local memory of neighbouring threads lies interleaved"),
    // Caches of a multiprocessor.
    option("-gpgpu_cache:dl1", Kind::Cache, "none", Later, "L1 data cache"),
    option("-gpgpu_cache:dl1PrefL1", Kind::Cache, "none", Later, "L1 data cache when the kernel prefers L1 cache"),
    option("-gpgpu_cache:dl1PrefShared", Kind::Cache, "none", Later, "L1 data cache when the kernel prefers shared memory"),
    option("-gpgpu_cache:il1", Kind::Cache, "4:256:4,L:R:f:N,A:2:32,4", Later, "L1 instruction cache"),
    option("-gpgpu_tex_cache:l1", Kind::Cache, "8:128:5,L:R:m:N,F:128:4,128:2", Later, "L1 texture cache"),
    option("-gpgpu_const_cache:l1", Kind::Cache, "64:64:2,L:R:f:N,A:2:32,4", Later, "L1 constant cache"),
    option("-gpgpu_l1_banks", AT_LEAST_1, "1", Later, "Banks of the L1 data cache"),
    option("-gpgpu_l1_banks_byte_interleaving", AT_LEAST_1, "32", Later, "Bytes after which the next L1 bank follows"),
    option("-gpgpu_l1_banks_hashing_function", COUNT, "0", Later, "How addresses spread over the L1 banks"),
    option("-gpgpu_l1_latency", COUNT, "1", Later, "Latency of an L1 hit in core cycles"),
    option("-gpgpu_l1_cache_write_ratio", COUNT, "0", Later, "Share of dirty lines in L1 above which one is written back, in percent"),
    option("-gpgpu_gmem_skip_L1D", FLAG, "0", Later, "1: global memory is not cached in L1"),
    option("-gpgpu_perfect_mem", FLAG, "0", Later, "1: every access hits"),
    option("-gpgpu_perfect_inst_const_cache", FLAG, "0", Later, "1: instruction and constant caches always hit"),
    option("-gpgpu_flush_l1_cache", FLAG, "0", Later, "1: empty L1 after each kernel"),
    option("-gpgpu_flush_l2_cache", FLAG, "0", Later, "1: empty L2 after each kernel"),
    // L2 and memory.
    option("-gpgpu_cache:dl2_texture_only", FLAG, "1", Later, "1: L2 serves textures only"),
    option("-l2_ideal", FLAG, "0", Later, "1: L2 always hits"),
    option("-gpgpu_perf_sim_memcpy", FLAG, "1", Later, "1: copies from the host fill L2"),
    option("-gpgpu_dram_partition_queues", Kind::Numbers { separator: ':', least: 4, most: 4 }, "8:8:8:8", Later, "Entries of the queues interconnect to L2, L2 to memory, memory to L2, L2 to interconnect"),
    option("-gpgpu_l2_rop_latency", COUNT, "85", Later, "Cycles before an access enters L2"),
    option("-dram_latency", COUNT, "30", Later, "Least latency of memory after L2 in cycles"),
    option("-gpgpu_simple_dram_model", FLAG, "0", Later, "1: memory has fixed latency and bandwidth"),
    option("-gpgpu_dram_scheduler", Kind::Whole { least: 0, most: 1 }, "1", Later, "Order of memory requests: 0 first come first served, 1 row hits first"),
    option("-gpgpu_frfcfs_dram_sched_queue_size", COUNT, "0", Later, "Requests that the memory scheduler sees; 0: all"),
    option("-gpgpu_dram_return_queue_size", COUNT, "0", Later, "Answers that a memory chip holds; 0: no limit"),
    option("-gpgpu_dram_burst_length", AT_LEAST_1, "4", Later, "Transfers of the data bus for one request"),
    option("-gpgpu_dram_timing_opt", Kind::DramTiming, "4:2:8:12:21:13:34:9:4:5:13:1:0:0", Later, "Memory timing in command clocks: nbk, CCD, RRD, RCD, RAS, RP, RC, CL, WL, CDLR, WR, nbkgrp, CCDL, RTPL in this order or as NAME=VALUE, separated by colons"),
    option("-dram_dual_bus_interface", FLAG, "0", Later, "1: a row and a column command fit in one cycle (HBM)"),
    option("-dram_bnk_indexing_policy", COUNT, "0", Later, "How banks are numbered: 0 plainly, 1 mixed with higher address bits"),
    option("-dram_bnkgrp_indexing_policy", COUNT, "0", Later, "Bank bits that give the bank group: 0 the high ones, 1 the low ones"),
    option("-dram_seperate_write_queue_enable", FLAG, "0", Later, "1: writes to memory wait in a queue of their own"),
    option("-dram_write_queue_size", Kind::Numbers { separator: ':', least: 3, most: 3 }, "32:28:16", Later, "Write queue: entries, mark at which writing starts, mark at which it stops"),
    option("-dram_elimnate_rw_turnaround", FLAG, "0", Later, "1: changing between reading and writing costs nothing"),
    option("-gpgpu_mem_addr_mapping", Kind::Text, "", Later, "Which address bits mean memory controller, bank, row, column"),
    option("-gpgpu_mem_addr_test", FLAG, "0", Never, "1: test the address mapping"),
    option("-gpgpu_mem_address_mask", COUNT, "0", Later, "Form of the address mapping: 0 old, 1 new"),
    option("-gpgpu_memory_partition_indexing", COUNT, "0", Later, "How addresses spread over the memory partitions: 0 plainly, others by hashing"),
    option("-gpgpu_memlatency_stat", COUNT, "0", Later, "What to record of memory latency, as bits: 2 controllers, 4 queues"),
    // Interconnect.
    option("-network_mode", Kind::Whole { least: 1, most: 2 }, "1", Later, "1: the network that -inter_config_file describes, 2: a plain crossbar"),
    option("-inter_config_file", Kind::Text, "mesh", Later, "Description of the network (.icnt), relative to this file"),
    option("-icnt_flit_size", AT_LEAST_1, "32", Later, "Bytes that travel in one piece"),
    option("-icnt_in_buffer_limit", AT_LEAST_1, "64", Later, "Packets that a crossbar input holds"),
    option("-icnt_out_buffer_limit", AT_LEAST_1, "64", Later, "Packets that a crossbar output holds"),
    option("-icnt_subnets", AT_LEAST_1, "2", Later, "Networks of the crossbar: requests and answers apart"),
    option("-icnt_arbiter_algo", COUNT, "1", Later, "Arbiter of the crossbar: 0 simple turns, 1 iSLIP"),
    option("-icnt_verbose", FLAG, "0", Never, "1: print what the crossbar does"),
    option("-icnt_grant_cycles", AT_LEAST_1, "1", Later, "Cycles between grants of the crossbar"),
    option("-gpgpu_n_cluster_ejection_buffer_size", AT_LEAST_1, "8", Later, "Packets from the network that a cluster holds"),
    option("-gpgpu_n_ldst_response_buffer_size", AT_LEAST_1, "2", Later, "Answers that a load and store unit holds"),
    // Statistics and traces of a performance simulation.
    option("-gpgpu_runtime_stat", Kind::Text, "10000:0", Later, "Cycles between reports, and what they contain"),
    option("-gpgpu_ptx_instruction_classification", COUNT, "0", Later, "1: count instructions by class for each kernel"),
    option("-enable_ptx_file_line_stats", FLAG, "1", Later, "1: counters for each PTX line"),
    option("-ptx_line_stats_filename", Kind::Text, "gpgpu_inst_stats.txt", Later, "File for the counters of each PTX line"),
    option("-gpgpu_cflog_interval", COUNT, "0", Later, "Cycles between snapshots of control flow; 0: none"),
    option("-visualizer_enabled", FLAG, "1", Later, "1: record counters over time"),
    option("-visualizer_outputfile", Kind::Text, "", Later, "File for the counters over time"),
    option("-visualizer_zlevel", Kind::Whole { least: 0, most: 9 }, "6", Later, "How hard that file is compressed"),
    option("-trace_enabled", FLAG, "0", Later, "1: print traces"),
    option("-trace_components", Kind::Text, "none", Later, "What is traced, separated by commas"),
    option("-trace_sampling_core", WHOLE, "0", Later, "Multiprocessor that is traced"),
    option("-trace_sampling_memory_partition", WHOLE, "-1", Later, "Memory partition that is traced; -1: all"),
    // Power model: accepted, without effect.
    option("-power_simulation_enabled", FLAG, "0", Never, "1: estimate power"),
    option("-power_simulation_mode", COUNT, "0", Never, "Where the power model takes its counters from: 0 simulation, 1 hardware, 2 both"),
    option("-power_per_cycle_dump", FLAG, "0", Never, "1: write power for each cycle"),
    option("-power_trace_enabled", FLAG, "0", Never, "1: write a power trace"),
    option("-power_trace_zlevel", Kind::Whole { least: 0, most: 9 }, "6", Never, "How hard the power trace is compressed"),
    option("-steady_power_levels_enabled", FLAG, "0", Never, "1: write steady power levels"),
    option("-steady_state_definition", Kind::Text, "8:4", Never, "Deviation and number of samples that count as steady"),
    option("-gpuwattch_xml_file", Kind::Text, "gpuwattch.xml", Never, "Power model of GPUWattch"),
    option("-accelwattch_xml_file", Kind::Text, "accelwattch_sass_sim.xml", Never, "Power model of AccelWattch"),
    option("-hw_perf_file_name", Kind::Text, "hw_perf.csv", Never, "Counters measured on hardware"),
    option("-hw_perf_bench_name", Kind::Text, "", Never, "Kernel in the file of measured counters"),
    option("-dvfs_enabled", FLAG, "0", Never, "1: voltage and frequency change with load"),
    option("-aggregate_power_stats", FLAG, "0", Never, "1: add up power over all kernels"),
    option("-accelwattch_hybrid_perfsim_L1_RH", FLAG, "0", Never, "1: L1 read hits from the simulation"),
    option("-accelwattch_hybrid_perfsim_L1_RM", FLAG, "0", Never, "1: L1 read misses from the simulation"),
    option("-accelwattch_hybrid_perfsim_L1_WH", FLAG, "0", Never, "1: L1 write hits from the simulation"),
    option("-accelwattch_hybrid_perfsim_L1_WM", FLAG, "0", Never, "1: L1 write misses from the simulation"),
    option("-accelwattch_hybrid_perfsim_L2_RH", FLAG, "0", Never, "1: L2 read hits from the simulation"),
    option("-accelwattch_hybrid_perfsim_L2_RM", FLAG, "0", Never, "1: L2 read misses from the simulation"),
    option("-accelwattch_hybrid_perfsim_L2_WH", FLAG, "0", Never, "1: L2 write hits from the simulation"),
    option("-accelwattch_hybrid_perfsim_L2_WM", FLAG, "0", Never, "1: L2 write misses from the simulation"),
    option("-accelwattch_hybrid_perfsim_CC_ACC", FLAG, "0", Never, "1: constant cache accesses from the simulation"),
    option("-accelwattch_hybrid_perfsim_SHARED_ACC", FLAG, "0", Never, "1: shared memory accesses from the simulation"),
    option("-accelwattch_hybrid_perfsim_DRAM_RD", FLAG, "0", Never, "1: memory reads from the simulation"),
    option("-accelwattch_hybrid_perfsim_DRAM_WR", FLAG, "0", Never, "1: memory writes from the simulation"),
    option("-accelwattch_hybrid_perfsim_NOC", FLAG, "0", Never, "1: interconnect accesses from the simulation"),
    option("-accelwattch_hybrid_perfsim_PIPE_DUTY", FLAG, "0", Never, "1: duty cycle of the pipelines from the simulation"),
    option("-accelwattch_hybrid_perfsim_NUM_SM_IDLE", FLAG, "0", Never, "1: idle multiprocessors from the simulation"),
    option("-accelwattch_hybrid_perfsim_CYCLES", FLAG, "0", Never, "1: cycles from the simulation"),
    option("-accelwattch_hybrid_perfsim_VOLTAGE", FLAG, "0", Never, "1: chip voltage from the simulation"),
    option("-n_regfile_gating_group", AT_LEAST_1, "4", Never, "Lanes of the register file that are switched off together"),
    option("-gpgpu_clock_gated_reg_file", FLAG, "0", Never, "1: idle register file parts use no power"),
    option("-gpgpu_clock_gated_lanes", FLAG, "0", Never, "1: idle lanes use no power"),
    // Of other ways to get at a program's code: accepted, without effect.
    option("-save_embedded_ptx", FLAG, "0", Never, "1: keep the PTX of the program (-gpgpu_generate_ptx does)"),
    option("-keep", FLAG, "0", Never, "1: keep intermediate files"),
    option("-gpgpu_ptx_use_cuobjdump", FLAG, "1", Never, "1: cuobjdump finds the PTX (Vernier needs no cuobjdump)"),
    option("-gpgpu_experimental_lib_support", FLAG, "0", Never, "1: take PTX from libraries too (always so)"),
    option("-gpgpu_ptx_convert_to_ptxplus", FLAG, "0", Never, "1: translate machine code to PTXPlus and run that"),
    option("-gpgpu_ptx_save_converted_ptxplus", FLAG, "0", Never, "1: keep the PTXPlus"),
    option("-gpgpu_ptx_force_max_capability", COUNT, "0", Never, "Highest architecture whose PTX is taken; 0: no limit"),
    option("-gpgpu_ptx_inst_debug_to_file", FLAG, "0", Never, "1: write each instruction executed to a file"),
    option("-gpgpu_ptx_inst_debug_file", Kind::Text, "inst_debug.txt", Never, "That file"),
    option("-gpgpu_ptx_inst_debug_thread_uid", WHOLE, "1", Never, "Thread whose instructions are written"),
    option("-checkpoint_option", FLAG, "0", Never, "1: write a checkpoint"),
    option("-checkpoint_kernel", WHOLE, "1", Never, "Kernel at which it is written"),
    option("-checkpoint_CTA", WHOLE, "0", Never, "Thread block at which it is written"),
    option("-checkpoint_CTA_t", WHOLE, "0", Never, "Thread block up to which blocks are written whole"),
    option("-checkpoint_insn_Y", WHOLE, "0", Never, "Instructions of the written blocks that ran before"),
    option("-resume_option", FLAG, "0", Never, "1: go on from a checkpoint"),
    option("-resume_kernel", WHOLE, "0", Never, "Kernel from which to go on"),
    option("-resume_CTA", WHOLE, "0", Never, "Thread block from which to go on"),
];

impl OptionSpec {
    /// The option called `name`, by its own or an earlier name.
    pub fn find(name: &str) -> Option<&'static OptionSpec> {
        let today = EARLIER_NAMES
            .iter()
            .find(|(earlier, _)| *earlier == name)
            .map_or(name, |(_, today)| today);
        OPTIONS.iter().find(|option| option.name == today)
    }
}

impl Kind {
    /// What values are allowed, in words.
    pub fn allowed(&self) -> String {
        match *self {
            Kind::Flag => "0 or 1".into(),
            Kind::Whole { least: i64::MIN, .. } => "a whole number".into(),
            Kind::Whole { least, most: i64::MAX } => format!("a whole number, at least {least}"),
            Kind::Whole { least, most } => format!("a whole number from {least} to {most}"),
            Kind::Numbers { separator, least, most } => {
                let by = if separator == ',' { "commas" } else { "colons" };
                let count = if least == most { format!("{least}") } else { format!("{least} to {most}") };
                format!("{count} numbers separated by {by}")
            }
            Kind::Clocks => "four clocks in MHz separated by colons, such as 1365:1365:1365:3500".into(),
            Kind::Cache => "`none` or SETS:LINE_BYTES:WAYS,policies,MSHRs,queue, such as S:64:128:16,L:B:m:L:P,A:192:4,32:0,32".into(),
            Kind::DramTiming => format!("numbers or NAME=VALUE separated by colons, with the names {}", DRAM_TIMINGS.join(" ")),
            Kind::Scheduler => format!("one of {}", SCHEDULERS.join(", ")),
            Kind::Text => "any text".into(),
        }
    }

    /// Whether `value` is allowed.
    pub fn accepts(&self, value: &str) -> bool {
        match *self {
            Kind::Flag => matches!(value, "0" | "1"),
            Kind::Whole { least, most } => {
                whole(value).is_some_and(|number| (least..=most).contains(&number))
            }
            Kind::Numbers {
                separator,
                least,
                most,
            } => {
                let count = value.split(separator).count();
                (least..=most).contains(&count) && value.split(separator).all(|part| count_of(part).is_some())
            }
            Kind::Clocks => crate::values::clocks(value).is_some(),
            Kind::Cache => value == "none" || crate::values::Cache::parse(value).is_some(),
            Kind::DramTiming => value.split(':').all(|part| {
                let (name, number) = part.split_once('=').unwrap_or((DRAM_TIMINGS[0], part));
                DRAM_TIMINGS.contains(&name.trim()) && count_of(number).is_some()
            }),
            Kind::Scheduler => SCHEDULERS.contains(&value.split(':').next().unwrap_or(value)),
            Kind::Text => !value.is_empty(),
        }
    }
}

/// A whole number, decimal or with `0x`.
pub(crate) fn whole(value: &str) -> Option<i64> {
    match value.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => value.parse().ok(),
    }
}

/// A whole number that is not negative.
pub(crate) fn count_of(value: &str) -> Option<u64> {
    whole(value.trim()).and_then(|number| u64::try_from(number).ok())
}
