//! How each option of a configuration is treated by the model: the one list of what it does and does not know.

use crate::Error;
use crate::reader::Reader;
use device::{OPTIONS, Place, Settings, Use};
use std::fmt::Write;

/// How an option is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// Its value matters.
    Modelled,
    /// Accepted; why it changes nothing.
    Without(&'static str),
    /// Only this value is taken; why.
    Only(&'static str, &'static str),
}

use Treatment::{Modelled, Only, Without};

/// Every option that performance simulation could ask for, in the order of [`device::OPTIONS`].
#[rustfmt::skip]
pub const TREATMENTS: &[(&str, Treatment)] = &[
    ("-gpgpu_cdp_enabled", Only("0", "kernels that launch kernels are not executed")),
    ("-gpgpu_max_cycle", Modelled),
    ("-gpgpu_max_insn", Modelled),
    ("-gpgpu_max_cta", Only("0", "simulations are not cut after blocks")),
    ("-gpgpu_max_completed_cta", Only("0", "simulations are not cut after blocks")),
    ("-gpgpu_deadlock_detect", Modelled),
    ("-ptx_opcode_latency_int", Modelled),
    ("-ptx_opcode_latency_fp", Modelled),
    ("-ptx_opcode_latency_dp", Modelled),
    ("-ptx_opcode_latency_vp", Modelled),
    ("-ptx_opcode_latency_sfu", Modelled),
    ("-ptx_opcode_latency_tesnor", Modelled),
    ("-ptx_opcode_initiation_int", Modelled),
    ("-ptx_opcode_initiation_fp", Modelled),
    ("-ptx_opcode_initiation_dp", Modelled),
    ("-ptx_opcode_initiation_vp", Modelled),
    ("-ptx_opcode_initiation_sfu", Modelled),
    ("-ptx_opcode_initiation_tensor", Modelled),
    ("-gpgpu_kernel_launch_latency", Modelled),
    ("-gpgpu_TB_launch_latency", Modelled),
    ("-cdp_latency", Without("kernels that launch kernels are not executed")),
    ("-gpgpu_simd_model", Only("1", "diverged threads come together at the immediate post-dominator")),
    ("-gpgpu_num_sched_per_core", Modelled),
    ("-gpgpu_scheduler", Modelled),
    ("-gpgpu_max_insn_issue_per_warp", Modelled),
    ("-gpgpu_dual_issue_diff_exec_units", Modelled),
    ("-gpgpu_simt_core_sim_order", Modelled),
    ("-gpgpu_sub_core_model", Modelled),
    ("-gpgpu_pipeline_widths", Modelled),
    ("-gpgpu_num_sp_units", Modelled),
    ("-gpgpu_num_dp_units", Modelled),
    ("-gpgpu_num_int_units", Modelled),
    ("-gpgpu_num_sfu_units", Modelled),
    ("-gpgpu_num_mem_units", Without("there is one load and store unit, as in GPGPU-Sim 4")),
    ("-gpgpu_tensor_core_avail", Modelled),
    ("-gpgpu_num_tensor_core_units", Modelled),
    ("-specialized_unit_1", Without("no PTX instruction goes there, as in GPGPU-Sim")),
    ("-specialized_unit_2", Without("no PTX instruction goes there, as in GPGPU-Sim")),
    ("-specialized_unit_3", Without("no PTX instruction goes there, as in GPGPU-Sim")),
    ("-specialized_unit_4", Without("no PTX instruction goes there, as in GPGPU-Sim")),
    ("-specialized_unit_5", Without("no PTX instruction goes there, as in GPGPU-Sim")),
    ("-specialized_unit_6", Without("no PTX instruction goes there, as in GPGPU-Sim")),
    ("-specialized_unit_7", Without("no PTX instruction goes there, as in GPGPU-Sim")),
    ("-specialized_unit_8", Without("no PTX instruction goes there, as in GPGPU-Sim")),
    ("-gpgpu_num_reg_banks", Modelled),
    ("-gpgpu_reg_bank_use_warp_id", Without("the number of the warp always takes part, as in GPGPU-Sim 4")),
    ("-gpgpu_reg_file_port_throughput", Modelled),
    ("-gpgpu_enable_specialized_operand_collector", Modelled),
    ("-gpgpu_operand_collector_num_units_sp", Modelled),
    ("-gpgpu_operand_collector_num_units_dp", Modelled),
    ("-gpgpu_operand_collector_num_units_sfu", Modelled),
    ("-gpgpu_operand_collector_num_units_int", Modelled),
    ("-gpgpu_operand_collector_num_units_tensor_core", Modelled),
    ("-gpgpu_operand_collector_num_units_mem", Modelled),
    ("-gpgpu_operand_collector_num_units_gen", Modelled),
    ("-gpgpu_operand_collector_num_in_ports_sp", Modelled),
    ("-gpgpu_operand_collector_num_in_ports_dp", Modelled),
    ("-gpgpu_operand_collector_num_in_ports_sfu", Modelled),
    ("-gpgpu_operand_collector_num_in_ports_int", Modelled),
    ("-gpgpu_operand_collector_num_in_ports_tensor_core", Modelled),
    ("-gpgpu_operand_collector_num_in_ports_mem", Modelled),
    ("-gpgpu_operand_collector_num_in_ports_gen", Modelled),
    ("-gpgpu_operand_collector_num_out_ports_sp", Modelled),
    ("-gpgpu_operand_collector_num_out_ports_dp", Modelled),
    ("-gpgpu_operand_collector_num_out_ports_sfu", Modelled),
    ("-gpgpu_operand_collector_num_out_ports_int", Modelled),
    ("-gpgpu_operand_collector_num_out_ports_tensor_core", Modelled),
    ("-gpgpu_operand_collector_num_out_ports_mem", Modelled),
    ("-gpgpu_operand_collector_num_out_ports_gen", Modelled),
    ("-gpgpu_inst_fetch_throughput", Modelled),
    ("-gpgpu_num_cta_barriers", Modelled),
    ("-gpgpu_ignore_resources_limitation", Modelled),
    ("-gpgpu_concurrent_kernel_sm", Only("0", "one kernel runs at a time")),
    ("-gpgpu_occupancy_sm_number", Without("registers of a thread are those of the engine's own allocation, not of ptxas")),
    ("-gpgpu_shmem_num_banks", Modelled),
    ("-gpgpu_shmem_limited_broadcast", Modelled),
    ("-gpgpu_shmem_warp_parts", Modelled),
    ("-gpgpu_smem_latency", Modelled),
    ("-gpgpu_shmem_sizeDefault", Without("no launch prefers a size")),
    ("-gpgpu_shmem_size_PrefL1", Without("no launch prefers a size")),
    ("-gpgpu_shmem_size_PrefShared", Without("no launch prefers a size")),
    ("-gpgpu_adaptive_cache_config", Modelled),
    ("-gpgpu_shmem_option", Modelled),
    ("-gpgpu_unified_l1d_size", Modelled),
    ("-gpgpu_mem_unit_ports", Only("1", "the load and store unit works once in a cycle")),
    ("-gpgpu_coalesce_arch", Modelled),
    ("-gpgpu_local_mem_map", Modelled),
    ("-gpgpu_cache:dl1", Modelled),
    ("-gpgpu_cache:dl1PrefL1", Without("no launch prefers a size")),
    ("-gpgpu_cache:dl1PrefShared", Without("no launch prefers a size")),
    ("-gpgpu_cache:il1", Without("the instruction cache is perfect")),
    ("-gpgpu_tex_cache:l1", Without("textures are not executed")),
    ("-gpgpu_const_cache:l1", Without("the constant cache is perfect")),
    ("-gpgpu_l1_banks", Modelled),
    ("-gpgpu_l1_banks_byte_interleaving", Modelled),
    ("-gpgpu_l1_banks_hashing_function", Modelled),
    ("-gpgpu_l1_latency", Modelled),
    ("-gpgpu_l1_cache_write_ratio", Only("0", "lines of L1 go by age alone")),
    ("-gpgpu_gmem_skip_L1D", Modelled),
    ("-gpgpu_perfect_mem", Modelled),
    ("-gpgpu_perfect_inst_const_cache", Only("1", "misses of the instruction and constant caches are not")),
    ("-gpgpu_flush_l1_cache", Modelled),
    ("-gpgpu_flush_l2_cache", Modelled),
    ("-gpgpu_cache:dl2_texture_only", Only("0", "L2 serves all accesses")),
    ("-l2_ideal", Only("0", "L2 can miss")),
    ("-gpgpu_perf_sim_memcpy", Modelled),
    ("-gpgpu_dram_partition_queues", Modelled),
    ("-gpgpu_l2_rop_latency", Modelled),
    ("-dram_latency", Modelled),
    ("-gpgpu_simple_dram_model", Modelled),
    ("-gpgpu_dram_scheduler", Modelled),
    ("-gpgpu_frfcfs_dram_sched_queue_size", Modelled),
    ("-gpgpu_dram_return_queue_size", Modelled),
    ("-gpgpu_dram_burst_length", Modelled),
    ("-gpgpu_dram_timing_opt", Modelled),
    ("-dram_dual_bus_interface", Modelled),
    ("-dram_bnk_indexing_policy", Modelled),
    ("-dram_bnkgrp_indexing_policy", Modelled),
    ("-dram_seperate_write_queue_enable", Modelled),
    ("-dram_write_queue_size", Modelled),
    ("-dram_elimnate_rw_turnaround", Modelled),
    ("-gpgpu_mem_addr_mapping", Modelled),
    ("-gpgpu_mem_address_mask", Modelled),
    ("-gpgpu_memory_partition_indexing", Modelled),
    ("-gpgpu_memlatency_stat", Without("latencies are always counted")),
    ("-network_mode", Only("2", "networks of .icnt files are not; 2 is the crossbar")),
    ("-inter_config_file", Without("the network is the crossbar of -network_mode 2")),
    ("-icnt_flit_size", Without("a packet is one unit, whatever its size, as in GPGPU-Sim")),
    ("-icnt_in_buffer_limit", Modelled),
    ("-icnt_out_buffer_limit", Modelled),
    ("-icnt_subnets", Only("2", "requests and answers have networks of their own")),
    ("-icnt_arbiter_algo", Modelled),
    ("-icnt_grant_cycles", Modelled),
    ("-gpgpu_n_cluster_ejection_buffer_size", Modelled),
    ("-gpgpu_n_ldst_response_buffer_size", Modelled),
    ("-gpgpu_runtime_stat", Without("counters come at the end of a launch")),
    ("-gpgpu_ptx_instruction_classification", Without("the engine counts classes of instructions")),
    ("-enable_ptx_file_line_stats", Without("cycles are not told by line")),
    ("-ptx_line_stats_filename", Without("cycles are not told by line")),
    ("-gpgpu_cflog_interval", Without("nothing is recorded over time")),
    ("-visualizer_enabled", Without("nothing is recorded over time")),
    ("-visualizer_outputfile", Without("nothing is recorded over time")),
    ("-visualizer_zlevel", Without("nothing is recorded over time")),
    ("-trace_enabled", Without("nothing is traced")),
    ("-trace_components", Without("nothing is traced")),
    ("-trace_sampling_core", Without("nothing is traced")),
    ("-trace_sampling_memory_partition", Without("nothing is traced")),
];

/// Options that the engine and the model both use.
pub const SHARED: &[&str] = &[
    "-gpgpu_n_clusters",
    "-gpgpu_n_cores_per_cluster",
    "-gpgpu_shader_core_pipeline",
    "-gpgpu_shader_cta",
    "-gpgpu_shader_registers",
    "-gpgpu_shmem_size",
    "-gpgpu_cache:dl2",
    "-gpgpu_n_mem",
    "-gpgpu_n_sub_partition_per_mchannel",
    "-gpgpu_n_mem_per_ctrlr",
    "-gpgpu_dram_buswidth",
    "-dram_data_command_freq_ratio",
    "-gpgpu_clock_domains",
];

/// Refuses values that are not modelled.
pub(crate) fn check(r: &Reader) -> Result<(), Error> {
    for (option, treatment) in TREATMENTS {
        if let Only(value, why) = treatment {
            r.only(option, value, why)?;
        }
    }
    Ok(())
}

/// Options that a configuration sets although they change nothing in performance simulation, with where, and why.
pub fn without_effect(settings: &Settings) -> Vec<(&'static str, Place, &'static str)> {
    let row = |(option, treatment): &(&'static str, Treatment)| match treatment {
        Without(why) if settings.is_set(option) => Some((*option, settings.place(option), *why)),
        _ => None,
    };
    TREATMENTS.iter().filter_map(row).collect()
}

/// The table as Markdown.
pub fn options_markdown() -> String {
    let mut page = String::from("| option | treatment |\n|---|---|\n");
    for option in OPTIONS {
        let said = match TREATMENTS.iter().find(|t| t.0 == option.name) {
            Some((_, Modelled)) => "modelled".into(),
            Some((_, Without(why))) => format!("without effect: {why}"),
            Some((_, Only(value, why))) => format!("only `{value}`: {why}"),
            None if SHARED.contains(&option.name) => "modelled".into(),
            None if option.used == Use::Now => {
                "of the engine and of what programs are told; not of the model".into()
            }
            None => "without effect anywhere".into(),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(page, "| `{}` | {said} |", option.name);
    }
    page
}
