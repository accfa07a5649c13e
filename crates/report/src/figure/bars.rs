//! A bar for each name, lying or standing.

use super::draw::{
    CHARACTER, Drawn, LEFT, RIGHT, Records, TOP, WIDTH, at, clean, head, longest, words, y_grid,
};
use maud::html;

/// A bar for each name.
pub struct Bars {
    /// What the lengths are.
    pub unit: String,
    /// Name, length and what is written behind the bar.
    pub bars: Vec<(String, f64, String)>,
    /// Whether bars stand (a histogram) or lie.
    pub standing: bool,
}

/// Height of a lying bar with the room around it.
const ROW: f64 = 22.0;

/// Height of a histogram, and of its axis.
const HEIGHT: f64 = 230.0;
const BOTTOM: f64 = 190.0;

impl Bars {
    pub(super) fn draw(&self) -> Drawn {
        let most = self.bars.iter().map(|b| b.1).fold(f64::MIN_POSITIVE, f64::max);
        if self.standing {
            self.stand(most)
        } else {
            self.lie(most)
        }
    }

    fn lie(&self, most: f64) -> Drawn {
        let left = (longest(self.bars.iter().map(|b| &b.0)) * CHARACTER + 12.0).min(WIDTH / 2.0);
        let room = WIDTH - left - 110.0;
        let marks = html! {
            @for (i, (name, value, text)) in self.bars.iter().enumerate() {
                @let y = i as f64 * ROW + 4.0;
                @let wide = (value / most * room).max(1.0);
                (words("tick", "end", left - 8.0, y + 14.0, name))
                rect class="bar" x=(at(left)) y=(y + 2.0) width=(at(wide)) height="14" rx="2" {}
                (words("tick", "start", left + wide + 7.0, y + 14.0, text))
            }
        };
        Drawn {
            width: WIDTH,
            height: self.bars.len() as f64 * ROW + 8.0,
            marks,
        }
    }

    fn stand(&self, most: f64) -> Drawn {
        let right = WIDTH - RIGHT;
        let pitch = (right - LEFT) / self.bars.len().max(1) as f64;
        // As many names as have room.
        let each = (longest(self.bars.iter().map(|b| &b.0)).max(1.0) * CHARACTER + 6.0) / pitch;
        let each = each.ceil().max(1.0) as usize;
        let py = |y: f64| BOTTOM - y / most * (BOTTOM - TOP);
        let marks = html! {
            (y_grid(0.0, most, 4.0, right, &py))
            @for (i, (name, value, text)) in self.bars.iter().enumerate() {
                @let x = LEFT + i as f64 * pitch;
                @let tall = (BOTTOM - py(*value)).max(if *value > 0.0 { 0.8 } else { 0.0 });
                rect class="bar" x=(at(x + 1.0)) y=(at(BOTTOM - tall)) width=(at((pitch - 2.0).max(1.0))) height=(at(tall)) {
                    title { (clean(text)) }
                }
                @if i % each == 0 { (words("tick", "middle", x + pitch / 2.0, BOTTOM + 17.0, name)) }
            }
            (words("name", "middle", (LEFT + right) / 2.0, BOTTOM + 36.0, &self.unit))
        };
        Drawn {
            width: WIDTH,
            height: HEIGHT,
            marks,
        }
    }

    pub(super) fn records(&self) -> Records {
        let bars = self
            .bars
            .iter()
            .map(|(name, value, _)| vec![name.clone(), value.to_string()]);
        [head(&["name", &self.unit])].into_iter().chain(bars).collect()
    }
}
