//! A second back end: a device whose addresses are no addresses of the host, and whose kernels are functions of this file.
//! It proves that nothing above reaches a device but through the traits, and that ARCHITECTURE.md's recipe holds.

mod common;
mod program;

use backend::{
    Allocation, Arena, Backend, Execution, GlobalInfo, KernelInfo, Launch, MemoryError, MemoryKind,
    ParamInfo, Queue,
};
use common::{HEAD, elementwise, ptx_binary};
use gpu::{Code, Context, CopyKind, DEFAULT_STREAM, PointerInfo, Startup, Work};
use program::Program;
use ptx::Checked;
use record::{Environment, Event, variables};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Where device memory begins: nothing of the host is there.
const BASE: u64 = 0x10;
/// Bytes of it.
const TOTAL: u64 = 1 << 20;
/// What each launch takes of the device's time.
const STEP: Duration = Duration::from_millis(250);

#[derive(Default)]
struct Bytes {
    used: u64,
    live: BTreeMap<u64, (MemoryKind, Vec<u8>)>,
}

#[derive(Default)]
struct Device {
    memory: Mutex<Bytes>,
    /// The time of each queue.
    clocks: Mutex<BTreeMap<usize, Duration>>,
}

/// The back end; its modules hold the device, too.
#[derive(Clone, Default)]
struct Second(Arc<Device>);

struct Doubler {
    ptx: Checked,
    device: Arc<Device>,
}

impl Device {
    /// Gives `f` the bytes at an address.
    fn at<T>(&self, address: u64, size: u64, f: impl FnOnce(&mut [u8]) -> T) -> Result<T, MemoryError> {
        let refused = MemoryError::OutOfBounds { address, size };
        let mut memory = self.memory.lock().unwrap();
        let (start, (_, bytes)) = memory
            .live
            .range_mut(..=address)
            .next_back()
            .ok_or(refused.clone())?;
        let from = (address - start) as usize;
        let range = bytes.get_mut(from..from + size as usize);
        range.map(f).ok_or(refused)
    }
}

impl Arena for Device {
    fn info(&self) -> (u64, u64) {
        (TOTAL - self.memory.lock().unwrap().used, TOTAL)
    }
    fn allocate(&self, size: u64, kind: MemoryKind) -> Result<u64, MemoryError> {
        assert!(!kind.is_shared_with_host(), "not in this test");
        let (free, total) = self.info();
        if size > free {
            return Err(MemoryError::OutOfMemory {
                requested: size,
                free,
                total,
            });
        }
        let mut memory = self.memory.lock().unwrap();
        let end = memory.live.last_key_value().map(|(a, (_, b))| a + b.len() as u64);
        let address = end.unwrap_or(BASE).next_multiple_of(256);
        memory.used += size;
        memory.live.insert(address, (kind, vec![0; size as usize]));
        Ok(address)
    }
    fn free(&self, address: u64) -> Result<Allocation, MemoryError> {
        let mut memory = self.memory.lock().unwrap();
        let (kind, bytes) = memory
            .live
            .remove(&address)
            .ok_or(MemoryError::NotAllocated { address })?;
        let size = bytes.len() as u64;
        memory.used -= size;
        Ok(Allocation {
            start: address,
            size,
            kind,
        })
    }
    unsafe fn register(&self, address: u64, size: u64) -> Result<(), MemoryError> {
        Err(MemoryError::OutOfBounds { address, size })
    }
    fn unregister(&self, address: u64) -> Result<(), MemoryError> {
        Err(MemoryError::NotAllocated { address })
    }
    fn find(&self, address: u64) -> Option<Allocation> {
        self.live()
            .into_iter()
            .find(|a| (a.start..a.end()).contains(&address))
    }
    fn live(&self) -> Vec<Allocation> {
        let memory = self.memory.lock().unwrap();
        let live = memory.live.iter().map(|(start, (kind, bytes))| Allocation {
            start: *start,
            size: bytes.len() as u64,
            kind: *kind,
        });
        live.collect()
    }
    fn contains(&self, address: u64) -> bool {
        (BASE..BASE + 2 * TOTAL).contains(&address)
    }
    unsafe fn download(&self, to: *mut u8, from: u64, size: u64) -> Result<(), MemoryError> {
        // SAFETY: the caller's promise.
        self.at(from, size, |b| unsafe { to.copy_from(b.as_ptr(), b.len()) })
    }
    unsafe fn upload(&self, to: u64, from: *const u8, size: u64) -> Result<(), MemoryError> {
        // SAFETY: the caller's promise.
        self.at(to, size, |b| unsafe { b.as_mut_ptr().copy_from(from, b.len()) })
    }
    fn copy(&self, to: u64, from: u64, size: u64) -> Result<(), MemoryError> {
        let bytes = self.at(from, size, |b| b.to_vec())?;
        self.write(to, &bytes)
    }
    fn fill(&self, address: u64, value: u8, size: u64) -> Result<(), MemoryError> {
        self.at(address, size, |b| b.fill(value))
    }
}

impl Backend for Second {
    fn name(&self) -> &'static str {
        "second"
    }
    fn memory(&self) -> &dyn Arena {
        &*self.0
    }
    fn load(&self, ptx: Checked) -> Result<Arc<dyn backend::Module>, backend::Error> {
        let device = self.0.clone();
        Ok(Arc::new(Doubler { ptx, device }))
    }
    fn now(&self, queue: Queue) -> Duration {
        let clocks = self.0.clocks.lock().unwrap();
        clocks.get(&queue.0).copied().unwrap_or_default()
    }
    fn wait(&self, queue: Queue, time: Duration) {
        let mut clocks = self.0.clocks.lock().unwrap();
        let clock = clocks.entry(queue.0).or_default();
        *clock = time.max(*clock);
    }
}

impl backend::Module for Doubler {
    fn ptx(&self) -> &Checked {
        &self.ptx
    }
    fn global(&self, _: &str) -> Option<GlobalInfo> {
        None
    }
    fn kernel(&self, name: &str) -> Result<Arc<KernelInfo>, backend::Error> {
        let function = self.ptx.function(name).ok_or_else(|| backend::Error::NoKernel {
            name: name.into(),
            module: self.ptx.source.name.clone(),
        })?;
        let params = (0..function.params.len()).map(|i| ParamInfo {
            offset: 8 * i,
            size: 8,
        });
        Ok(Arc::new(KernelInfo {
            name: name.into(),
            params: params.collect(),
            params_size: 8 * function.params.len(),
            static_shared: 0,
            local: 0,
            registers: 16,
            max_threads: 1024,
        }))
    }
    fn variant(&self, ptx: Checked) -> Result<Arc<dyn backend::Module>, backend::Error> {
        let device = self.device.clone();
        Ok(Arc::new(Doubler { ptx, device }))
    }
    /// Every kernel doubles as many floats as there are threads.
    fn launch(&self, launch: &Launch<'_>) -> Result<Execution, backend::Error> {
        let data = u64::from_le_bytes(*launch.params.as_array().expect("one pointer"));
        let threads = launch.config.grid.count() * launch.config.block.count();
        self.device.at(data, 4 * threads, |bytes| {
            for b in bytes.as_chunks_mut::<4>().0 {
                *b = (2.0 * f32::from_le_bytes(*b)).to_le_bytes();
            }
        })?;
        *self
            .device
            .clocks
            .lock()
            .unwrap()
            .entry(launch.queue.0)
            .or_default() += STEP;
        let mut execution = Execution::default();
        execution.stats.thread_instructions = threads;
        Ok(execution)
    }
    fn unload(&self) {}
}

/// A program on the second device.
fn on_second(environment: Environment) -> Program {
    let startup = Startup {
        program: "prog".into(),
        config: None,
        environment: environment
            .with(&variables::PTX_OUT, "none")
            .with(&variables::QUIET, "1"),
        cuda: 13,
    };
    let text = format!("{HEAD}{}", elementwise("twice", "mul.f32", 2.0));
    let context = Context::new(startup).on(Arc::new(Second::default()));
    Program::of(context, ptx_binary(&text), &["twice"], &[])
}

#[test]
fn memory_and_launches_go_through_the_traits() {
    let p = on_second(Environment::default());
    let c = &p.context;
    let (a, b) = (c.malloc(16).unwrap(), c.malloc(16).unwrap());
    assert!(a < 1 << 20, "an address of this device");
    p.upload(a, &[1.0, 2.0, 3.0, 4.0]).unwrap();
    // SAFETY: the kernel takes one pointer.
    unsafe { p.launch(1, &[a]) }.unwrap();
    let copy = Work::copy(b, a, 16, CopyKind::DeviceToDevice);
    // SAFETY: both sides are device memory.
    unsafe { c.issue(DEFAULT_STREAM, copy) }.unwrap();
    // SAFETY: as above.
    unsafe { c.issue(DEFAULT_STREAM, Work::fill(a, 0, 8)) }.unwrap();
    assert_eq!(p.download(b).unwrap(), [2.0, 4.0, 6.0, 8.0]);
    assert_eq!(p.download(a).unwrap(), [0.0, 0.0, 6.0, 8.0]);
    assert_eq!(c.pointer_info(a).unwrap(), PointerInfo::Device);
    assert_eq!(c.memory_info().unwrap(), (TOTAL - 32, TOTAL));
    let beyond = p.upload(b, &[0.0; 5]).unwrap_err();
    assert_eq!(beyond.code(), Code::INVALID_VALUE);
    assert_eq!(
        c.malloc(TOTAL as usize).unwrap_err().code(),
        Code::MEMORY_ALLOCATION
    );
    c.free(a).unwrap();
    c.free(b).unwrap();
    assert_eq!(c.memory_info().unwrap().0, TOTAL);
}

#[test]
fn events_have_the_devices_time() {
    let p = on_second(Environment::default());
    let c = &p.context;
    let data = c.malloc(16).unwrap();
    let (first, second, third) = (
        c.streams().unwrap().event_create(0).unwrap(),
        c.streams().unwrap().event_create(0).unwrap(),
        c.streams().unwrap().event_create(0).unwrap(),
    );
    let other = c.streams().unwrap().create(0, 0).unwrap();
    let issue = |stream, work| {
        // SAFETY: nothing that needs a promise.
        unsafe { c.issue(stream, work) }.unwrap()
    };
    issue(DEFAULT_STREAM, Work::Record(first));
    for _ in 0..3 {
        // SAFETY: the kernel takes one pointer.
        unsafe { p.launch(1, &[data]) }.unwrap();
    }
    issue(DEFAULT_STREAM, Work::Record(second));
    // The other stream has done nothing, until it waits.
    issue(other, Work::Record(third));
    assert_eq!(c.streams().unwrap().elapsed_ms(first, second).unwrap(), 750.0);
    assert_eq!(c.streams().unwrap().elapsed_ms(first, third).unwrap(), 0.0);
    issue(other, Work::Wait(second));
    issue(other, Work::Record(third));
    assert_eq!(c.streams().unwrap().elapsed_ms(first, third).unwrap(), 750.0);
}

#[test]
fn policies_digests_and_records_work_on_it() {
    let folder = std::env::temp_dir().join(format!("vernier-second-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let policy = "[[quantize]]\nkernel = \"twice\"\nargument = 0\nwhen = \"before\"\nformat = \"e4m3fn\"\n";
    std::fs::write(folder.join("policy.toml"), policy).unwrap();
    let text = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let p = on_second(
        Environment::default()
            .with(&variables::POLICY, text("policy.toml"))
            .with(&variables::RUN_DIR, text("record"))
            .with(&variables::DIGEST, "1"),
    );
    let data = p.context.malloc(16).unwrap();
    p.upload(data, &[1.03, 3.3, -0.51, 100.0]).unwrap();
    // SAFETY: the kernel takes one pointer.
    unsafe { p.launch(1, &[data]) }.unwrap();
    // Rounded to 3 bits behind the point, then doubled.
    assert_eq!(p.download(data).unwrap(), [2.0, 6.5, -1.0, 192.0]);
    p.context.finish();
    let record =
        std::fs::read_to_string(folder.join(format!("record/{}.jsonl", std::process::id()))).unwrap();
    let events = Event::read(&record).unwrap();
    let digests = events.iter().filter(|e| matches!(e, Event::Digest(_))).count();
    assert_eq!(digests, 1);
    let end = events.iter().find_map(|e| match e {
        Event::End(end) => Some(end.counts.thread_instructions),
        _ => None,
    });
    assert_eq!(end, Some(4));
    std::fs::remove_dir_all(&folder).unwrap();
}
