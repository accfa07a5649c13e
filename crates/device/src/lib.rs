//! A GPU described: configuration files, defaults and limits as one typed value.
//!
//! [`Device`] is what the rest of Vernier asks; it comes from a `gpgpusim.config` (the format of GPGPU-Sim, whose files work
//! as they are) or from built-in defaults. The table of all options is [`OPTIONS`]. Nothing here simulates anything.

mod error;
mod icnt;
mod markdown;
mod options;
mod settings;
mod values;

pub use error::{Error, Place};
pub use icnt::Network;
pub use markdown::options_markdown;
pub use options::{Kind, OPTIONS, OptionSpec, Use};
pub use settings::Settings;
pub use values::{Cache, Clocks, Cycles, OperationCycles};

use std::path::{Path, PathBuf};

/// Name of the configuration file in a configuration folder.
pub const FILE_NAME: &str = "gpgpusim.config";

/// Threads of a warp; no GPU that runs PTX has another number.
pub const WARP_SIZE: u32 = 32;

/// Static shared memory that a thread block may have without asking for more, in bytes (CUDA C++ Programming Guide,
/// technical specifications per compute capability).
const SHARED_WITHOUT_OPT_IN: u64 = 48 << 10;

/// Which kind of simulation a configuration asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Results only.
    Functional,
    /// Results and cycles.
    Performance,
}

/// A GPU. Sizes are in bytes, clocks in MHz, latencies in core cycles.
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    /// What programs are told it is called.
    pub name: String,
    /// Compute capability: major, minor.
    pub compute_capability: (u32, u32),
    /// Number of multiprocessors.
    pub multiprocessors: u32,
    /// Threads of a warp ([`WARP_SIZE`]).
    pub warp_size: u32,
    /// Threads that one block may have.
    pub max_threads_per_block: u32,
    /// Threads that a multiprocessor holds.
    pub max_threads_per_multiprocessor: u32,
    /// Blocks that a multiprocessor holds.
    pub max_blocks_per_multiprocessor: u32,
    /// Extent of a block in x, y, z.
    pub max_block: [u32; 3],
    /// Extent of a grid in x, y, z.
    pub max_grid: [u32; 3],
    /// 32-bit registers of a multiprocessor.
    pub registers_per_multiprocessor: u32,
    /// 32-bit registers that one block may have.
    pub registers_per_block: u32,
    /// 32-bit registers that one thread may have.
    pub registers_per_thread: u32,
    /// Shared memory of a multiprocessor.
    pub shared_per_multiprocessor: u64,
    /// Shared memory that a block may have.
    pub shared_per_block: u64,
    /// Shared memory that a block may have when its kernel asks for more.
    pub shared_per_block_optin: u64,
    /// Constant memory.
    pub constant_memory: u64,
    /// L2 cache.
    pub l2_size: u64,
    /// Memory.
    pub memory_size: u64,
    /// Width of the memory bus in bits.
    pub memory_bus_bits: u32,
    /// Transfers of the memory bus for each command clock.
    pub memory_data_rate: u32,
    /// Clocks.
    pub clocks: Clocks,
    /// Kernels that may run at the same time.
    pub max_concurrent_kernels: u32,
    /// Stack of a thread, until the program sets another.
    pub stack_limit: u64,
    /// Heap for malloc() in kernels, until the program sets another.
    pub heap_limit: u64,
    /// Depth to which kernels that launch kernels may wait for them.
    pub sync_depth_limit: u64,
    /// Launches by kernels that may wait at a time.
    pub pending_launch_limit: u64,
    /// The simulation that the configuration asks for; `None` when it does not say.
    pub mode: Option<Mode>,
    /// Whether the PTX of a program is written beside it and run, rather than read from edited files.
    pub generate_ptx: bool,
    /// How long operations take.
    pub latency: Cycles,
    /// After how long the next operation can begin.
    pub initiation: Cycles,
    /// The interconnect that `-inter_config_file` describes, when `-network_mode` is 1 and the file was read.
    pub network: Option<Network>,
    /// Every option, for those who need more than the above.
    pub settings: Settings,
}

impl Default for Device {
    /// The built-in device: 40 multiprocessors of compute capability 7.5, 16 GiB of memory.
    fn default() -> Self {
        let mut device = Device::from_settings(Settings::default());
        device.name = "Vernier virtual GPU".into();
        device
    }
}

impl Device {
    /// Reads a configuration file, or the `gpgpusim.config` of a folder, and the network description that it names.
    ///
    /// # Errors
    /// [`Error::Read`] and [`Error::ReadNamed`] when a file cannot be read, else as [`Device::parse`].
    pub fn from_file(path: &Path) -> Result<Device, Error> {
        let path = if path.is_dir() {
            path.join(FILE_NAME)
        } else {
            path.to_owned()
        };
        let file = path.display().to_string();
        let text = read(&path).map_err(|source| Error::Read {
            path: file.clone(),
            source,
        })?;
        let mut device = Device::parse(&file, &text)?;
        device.read_network(&path)?;
        Ok(device)
    }

    /// Reads the text of a configuration; `file` is what messages call it. Without `-vernier_device_name` the device is
    /// called after the folder of the file.
    ///
    /// # Errors
    /// As [`Settings::parse`]; [`Error::Contradiction`] when options do not fit together.
    pub fn parse(file: &str, text: &str) -> Result<Device, Error> {
        let settings = Settings::parse(file, text)?;
        check(&settings)?;
        Ok(Device::from_settings(settings))
    }

    /// The device that checked settings describe. Numbers beyond the range of a field become its largest value.
    fn from_settings(settings: Settings) -> Device {
        let small = |name: &str| u32::try_from(settings.count(name)).unwrap_or(u32::MAX);
        let product = |names: &[&str]| {
            names
                .iter()
                .fold(1, |product: u32, name| product.saturating_mul(small(name)))
        };
        let threads = settings
            .counts("-gpgpu_shader_core_pipeline")
            .first()
            .copied()
            .unwrap_or(0);
        let threads = u32::try_from(threads).unwrap_or(u32::MAX);
        // Early files give the multiprocessor only.
        let shared = settings.count("-gpgpu_shmem_size");
        let shared_limit = settings.count("-gpgpu_shmem_per_block").min(shared);
        let registers = small("-gpgpu_shader_registers");
        let partitions = product(&["-gpgpu_n_mem", "-gpgpu_n_sub_partition_per_mchannel"]);
        let partition = Cache::parse(settings.get("-gpgpu_cache:dl2")).map_or(0, |cache| cache.size());
        let bus_bytes = product(&["-gpgpu_n_mem", "-gpgpu_n_mem_per_ctrlr", "-gpgpu_dram_buswidth"]);
        let no_clocks = Clocks {
            core: 0.0,
            interconnect: 0.0,
            l2: 0.0,
            memory: 0.0,
        };
        let mode = if settings.flag("-gpgpu_ptx_sim_mode") {
            Mode::Functional
        } else {
            Mode::Performance
        };
        Device {
            name: name_of(&settings),
            compute_capability: (
                small("-gpgpu_compute_capability_major"),
                small("-gpgpu_compute_capability_minor"),
            ),
            multiprocessors: product(&["-gpgpu_n_clusters", "-gpgpu_n_cores_per_cluster"]),
            warp_size: WARP_SIZE,
            max_threads_per_block: threads.min(1024),
            max_threads_per_multiprocessor: threads,
            max_blocks_per_multiprocessor: small("-gpgpu_shader_cta"),
            max_block: [threads.min(1024), threads.min(1024), 64],
            max_grid: [0x7fff_ffff, 0xffff, 0xffff],
            registers_per_multiprocessor: registers,
            registers_per_block: small("-gpgpu_registers_per_block").min(registers),
            registers_per_thread: 255,
            shared_per_multiprocessor: shared,
            shared_per_block: shared_limit.min(SHARED_WITHOUT_OPT_IN),
            shared_per_block_optin: shared_limit,
            constant_memory: 64 << 10,
            l2_size: partition.saturating_mul(partitions.into()),
            memory_size: settings.count("-vernier_memory_size").saturating_mul(1 << 20),
            memory_bus_bits: bus_bytes.saturating_mul(8),
            memory_data_rate: small("-dram_data_command_freq_ratio"),
            clocks: values::clocks(settings.get("-gpgpu_clock_domains")).unwrap_or(no_clocks),
            max_concurrent_kernels: small("-gpgpu_max_concurrent_kernel"),
            stack_limit: settings.count("-gpgpu_stack_size_limit"),
            heap_limit: settings.count("-gpgpu_heap_size_limit"),
            sync_depth_limit: settings.count("-gpgpu_runtime_sync_depth_limit"),
            pending_launch_limit: settings.count("-gpgpu_runtime_pending_launch_count_limit"),
            mode: settings.is_set("-gpgpu_ptx_sim_mode").then_some(mode),
            generate_ptx: settings.flag("-gpgpu_generate_ptx"),
            latency: cycles(&settings, "latency", "-ptx_opcode_latency_tesnor"),
            initiation: cycles(&settings, "initiation", "-ptx_opcode_initiation_tensor"),
            network: None,
            settings,
        }
    }

    /// The clock that CUDA calls the memory clock, in MHz: half the data rate.
    pub fn memory_clock(&self) -> f64 {
        self.clocks.memory * f64::from(self.memory_data_rate) / 2.0
    }

    /// Reads the network description that the settings name, relative to the configuration file at `path`.
    fn read_network(&mut self, path: &Path) -> Result<(), Error> {
        let option = "-inter_config_file";
        if self.settings.count("-network_mode") != 1 || !self.settings.is_set(option) {
            return Ok(());
        }
        let folder = path.parent().map_or_else(PathBuf::new, Path::to_owned);
        let file = folder.join(self.settings.get(option));
        let text = read(&file).map_err(|source| Error::ReadNamed {
            path: file.display().to_string(),
            option,
            place: self.settings.place(option),
            source,
        })?;
        self.network = Some(Network::parse(&file.display().to_string(), &text)?);
        Ok(())
    }
}

/// Reads a text; bytes that are not UTF-8 (they occur in comments) are replaced.
fn read(path: &Path) -> std::io::Result<String> {
    Ok(String::from_utf8_lossy(&std::fs::read(path)?).into_owned())
}

/// `-vernier_device_name`, else the folder of the file, else the file.
fn name_of(settings: &Settings) -> String {
    let given = settings.get("-vernier_device_name");
    let path = Path::new(settings.file());
    let folder = path.parent().and_then(Path::file_name).or(path.file_stem());
    match folder {
        Some(folder) if given.is_empty() => folder.to_string_lossy().into_owned(),
        _ => given.to_owned(),
    }
}

/// The latencies or initiation intervals, whose options are called `-ptx_opcode_WHAT_int` and so on.
fn cycles(settings: &Settings, what: &str, tensor: &str) -> Cycles {
    let numbers = |class: &str| -> Vec<u32> {
        let counts = settings.counts(&format!("-ptx_opcode_{what}_{class}"));
        counts
            .into_iter()
            .map(|count| u32::try_from(count).unwrap_or(u32::MAX))
            .collect()
    };
    let at = |numbers: &[u32], index: usize| numbers.get(index).copied().unwrap_or(0);
    let five = |class| {
        let numbers = numbers(class);
        let [add, max, mul, mad, div] = [0, 1, 2, 3, 4].map(|index| at(&numbers, index));
        OperationCycles {
            add,
            max,
            mul,
            mad,
            div,
        }
    };
    let int = numbers("int");
    // Files from before shuffles had a latency of their own give five numbers.
    let shuffle = if int.len() > 5 { int[5] } else { at(&int, 0) };
    Cycles {
        int: five("int"),
        fp: five("fp"),
        dp: five("dp"),
        vp: five("vp"),
        shuffle,
        sfu: at(&numbers("sfu"), 0),
        tensor: u32::try_from(settings.count(tensor)).unwrap_or(u32::MAX),
    }
}

/// What the form of single values cannot rule out.
fn check(settings: &Settings) -> Result<(), Error> {
    let refuse = |name: &str, what: String| {
        Err(Error::Contradiction {
            what,
            place: settings.place(name),
        })
    };
    let pipeline = "-gpgpu_shader_core_pipeline";
    if let [threads, warp] = settings.counts(pipeline)[..] {
        if warp != u64::from(WARP_SIZE) {
            return refuse(
                pipeline,
                format!("`{pipeline}` gives warps of {warp} threads; PTX knows only {WARP_SIZE}"),
            );
        }
        if threads == 0 || !threads.is_multiple_of(warp) {
            let what =
                format!("`{pipeline}` gives {threads} threads, which is no multiple of the warp size {warp}");
            return refuse(pipeline, what);
        }
    }
    let not_above = [
        ("-gpgpu_shmem_per_block", "-gpgpu_shmem_size", "shared memory"),
        (
            "-gpgpu_registers_per_block",
            "-gpgpu_shader_registers",
            "registers",
        ),
    ];
    for (block, multiprocessor, what) in not_above {
        let (wanted, there) = (settings.count(block), settings.count(multiprocessor));
        if settings.is_set(block) && settings.is_set(multiprocessor) && wanted > there {
            let what = format!(
                "a block may have more {what} (`{block}` {wanted}) than there is (`{multiprocessor}` {there})"
            );
            return refuse(block, what);
        }
    }
    Ok(())
}
