use super::*;
pub struct Entry {
    pub opcode: Opcode,
    pub supported: bool,
}
