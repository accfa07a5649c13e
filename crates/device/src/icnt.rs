//! Descriptions of an interconnection network (`.icnt`), in the language of BookSim: `key = value;`, `//` comments.
//! The keys are checked against BookSim's and intersim's; the values stay text until performance simulation reads them.

use crate::error::{Error, Place, did_you_mean};
use std::collections::BTreeMap;

/// Keys of network and router.
const NETWORK: &str = "channel_file subnets topology k n c routing_function use_noc_latency x y xr yr link_failures \
    fail_seed in_ports out_ports router output_delay credit_delay internal_speedup output_buffer_size noq speculative \
    spec_check_elig spec_check_cred spec_mask_by_reqs spec_sw_allocator num_vcs vc_buf_size buf_size buffer_policy \
    private_bufs private_buf_size private_buf_start_vc private_buf_end_vc max_held_slots feedback_aging_scale \
    feedback_offset wait_for_tail_credit vc_busy_when_full vc_prioritize_empty vc_priority_donation \
    vc_shuffle_requests hold_switch_for_packet input_speedup output_speedup routing_delay vc_alloc_delay \
    sw_alloc_delay st_prepare_delay st_final_delay vct vc_allocator sw_allocator arb_type alloc_iters network_file";

/// Keys of traffic and of a network simulation on its own.
const TRAFFIC: &str = "classes traffic class_priority perm_seed injection_rate injection_rate_uses_flits packet_size \
    packet_size_rate injection_process burst_alpha burst_beta burst_r1 priority batch_size batch_count \
    max_outstanding_requests use_read_write write_fraction read_request_begin_vc read_request_end_vc \
    write_request_begin_vc write_request_end_vc read_reply_begin_vc read_reply_end_vc write_reply_begin_vc \
    write_reply_end_vc read_request_subnet read_reply_subnet write_request_subnet write_reply_subnet \
    read_request_size write_request_size read_reply_size write_reply_size sim_type warmup_periods sample_period \
    max_samples measure_stats pair_stats latency_thres warmup_thres acc_warmup_thres stopping_thres \
    acc_stopping_thres sim_count include_queuing seed print_activity print_csv_results deadlock_warn_timeout \
    viewer_trace watch_file watch_flits watch_packets watch_transactions watch_out stats_out sent_packets_out \
    sim_power power_output_file tech_file channel_width channel_sweep";

/// Keys that GPGPU-Sim's version (intersim) adds.
const INTERSIM: &str = "perfect_icnt fixed_lat_per_hop use_map memory_node_map flit_size input_buffer_size \
    ejection_buffer_size boundary_buffer_size output_extra_latency network_count enable_link_stats MATLAB_OUTPUT \
    DISPLAY_LAT_DIST DISPLAY_HOP_DIST DISPLAY_PAIR_LATENCY";

/// All keys that are known.
fn keys() -> impl Iterator<Item = &'static str> {
    [NETWORK, TRAFFIC, INTERSIM]
        .into_iter()
        .flat_map(str::split_ascii_whitespace)
}

/// A network description: what its file sets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    values: BTreeMap<String, String>,
}

impl Network {
    /// Reads the text of an `.icnt` file.
    ///
    /// # Errors
    /// [`Error::UnknownOption`] for an unknown key, [`Error::MissingValue`] for one without value, [`Error::Syntax`] for
    /// anything else that is not `key = value;`.
    pub fn parse(file: &str, text: &str) -> Result<Network, Error> {
        let mut network = Network::default();
        let mut line = 1;
        let without_comments: Vec<&str> = text
            .lines()
            .map(|line| line.split("//").next().unwrap_or(line))
            .collect();
        let without_comments = without_comments.join("\n");
        let mut statements = without_comments.split(';').peekable();
        while let Some(statement) = statements.next() {
            let indent = statement.len() - statement.trim_start().len();
            let place = Place {
                file: file.to_owned(),
                line: line + statement[..indent].matches('\n').count(),
            };
            line += statement.matches('\n').count();
            let statement = statement.trim();
            if statement.is_empty() {
                continue;
            }
            let shown = statement.lines().next().unwrap_or(statement);
            if statements.peek().is_none() {
                return Err(Error::Syntax {
                    what: format!("`{shown}` is not closed by `;`"),
                    place,
                });
            }
            let Some((key, value)) = statement.split_once('=') else {
                return Err(Error::Syntax {
                    what: format!("`{shown}` is not of the form key = value;"),
                    place,
                });
            };
            let (key, value) = (key.trim(), value.trim());
            if !keys().any(|known| known == key) {
                let hint = did_you_mean(key, keys());
                return Err(Error::UnknownOption {
                    name: key.to_owned(),
                    hint,
                    place,
                });
            }
            if value.is_empty() {
                let allowed = "a number or a word".to_owned();
                return Err(Error::MissingValue {
                    name: key.to_owned(),
                    allowed,
                    place,
                });
            }
            if value.contains(['=', '\n']) && !value.starts_with('{') {
                let what = format!("the value of `{key}` is not closed by `;`");
                return Err(Error::Syntax { what, place });
            }
            network.values.insert(key.to_owned(), value.to_owned());
        }
        Ok(network)
    }

    /// The value that the file sets for a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// All keys and values that the file sets, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }
}
