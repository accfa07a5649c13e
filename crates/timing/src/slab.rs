//! Things by number, without allocating for each.

/// Things that come and go; a number is used again when its thing is gone.
#[derive(Clone, Debug, Default)]
pub struct Slab<T> {
    all: Vec<T>,
    free: Vec<u32>,
}

impl<T> Slab<T> {
    /// Keeps `thing`; its number.
    pub fn add(&mut self, thing: T) -> u32 {
        match self.free.pop() {
            Some(id) => {
                self.all[id as usize] = thing;
                id
            }
            None => {
                self.all.push(thing);
                self.all.len() as u32 - 1
            }
        }
    }

    /// A number whose place holds what an earlier thing left there, to be set anew; or that of `thing`.
    pub fn reuse(&mut self, thing: impl FnOnce() -> T) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.all.push(thing());
            self.all.len() as u32 - 1
        })
    }

    /// The number is free again.
    pub fn remove(&mut self, id: u32) {
        self.free.push(id);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.all.len() - self.free.len()
    }
}

impl<T> std::ops::Index<u32> for Slab<T> {
    type Output = T;
    fn index(&self, id: u32) -> &T {
        &self.all[id as usize]
    }
}

impl<T> std::ops::IndexMut<u32> for Slab<T> {
    fn index_mut(&mut self, id: u32) -> &mut T {
        &mut self.all[id as usize]
    }
}
