//! Which part of a blueprint may use which questions: the flow that tells whether all can be served at once, and along
//! which path one gives way to another.

use std::cmp;

use super::{dice::Dice, pool::Prepared};

/// Who uses how much of which class: a flow from classes to cells, improved along augmenting paths
/// (Ford and Fulkerson 1956). Members of a class stand in for each other, so its size is all that counts.
pub(super) struct Flow<'a> {
    prepared: &'a Prepared,
    /// What nobody uses of each class.
    free: Vec<u32>,
    /// What each of the class's cells uses of it, in the order of `Class::cells`.
    held: Vec<Vec<u32>>,
}

/// One step of an augmenting path: the taker gets a member of `class` from `giver`, or an unused one.
pub(super) struct Hop {
    /// The class.
    pub class: usize,
    /// The cell that gives; none: an unused one.
    pub giver: Option<usize>,
}

impl<'a> Flow<'a> {
    /// Nobody uses anything yet.
    pub(super) fn new(prepared: &'a Prepared) -> Self {
        let free = prepared.classes.iter().map(|c| c.members.len() as u32).collect();
        let held = prepared.classes.iter().map(|c| vec![0; c.cells.len()]).collect();
        Self { prepared, free, held }
    }

    /// Gives every cell what it needs; else the cells that one unserved cell competes with, itself included: they
    /// need more than all the questions that fit any of them.
    pub(super) fn fill(prepared: &'a Prepared, needs: &[u64]) -> Result<(), Vec<usize>> {
        let mut flow = Self::new(prepared);
        let mut lacking = needs.to_vec();
        for (cell, lack) in lacking.iter_mut().enumerate() {
            for class in prepared.cells[cell].classes.iter().map(|c| *c as usize) {
                let amount = cmp::min(u64::from(flow.free[class]), *lack) as u32;
                flow.take(cell, class, amount);
                *lack -= u64::from(amount);
            }
        }
        for (cell, lack) in lacking.iter_mut().enumerate() {
            while *lack > 0 {
                let path = flow.path(cell, None)?;
                let amount = cmp::min(u64::from(flow.width(&path)), *lack) as u32;
                flow.follow(cell, &path, amount);
                *lack -= u64::from(amount);
            }
        }
        Ok(())
    }

    /// Where a cell stands among those of a class that fits it.
    fn slot(&self, class: usize, cell: usize) -> usize {
        self.prepared.classes[class].cells.partition_point(|c| (*c as usize) < cell)
    }

    /// Lets a cell use that many unused members of a class.
    pub(super) fn take(&mut self, cell: usize, class: usize, amount: u32) {
        let slot = self.slot(class, cell);
        self.held[class][slot] += amount;
        self.free[class] -= amount;
    }

    /// The shortest path from a cell that lacks a question to a class with an unused one; where there is none, every
    /// cell that was reached. With dice, ways are tried in random order and unused questions are equally likely.
    pub(super) fn path(&self, start: usize, mut dice: Option<&mut Dice>) -> Result<Vec<Hop>, Vec<usize>> {
        let mut came: Vec<Option<(usize, usize)>> = vec![None; self.prepared.cells.len()];
        let mut seen = vec![false; self.free.len()];
        let mut queue = vec![start];
        let mut head = 0;
        while let Some(&cell) = queue.get(head) {
            head += 1;
            let classes = || self.prepared.cells[cell].classes.iter().map(|c| *c as usize);
            let free: usize = classes().map(|class| self.free[class] as usize).sum();
            if free > 0 {
                let mut ticket = dice.as_mut().map_or(0, |d| d.below(free));
                let mut path = Vec::new();
                for class in classes() {
                    if ticket < self.free[class] as usize {
                        path.push(Hop { class, giver: None });
                        break;
                    }
                    ticket -= self.free[class] as usize;
                }
                let mut giver = cell;
                while let Some((taker, class)) = came[giver].filter(|_| giver != start) {
                    path.push(Hop { class, giver: Some(giver) });
                    giver = taker;
                }
                path.reverse();
                return Ok(path);
            }
            let mut ways = Vec::new();
            for class in classes() {
                if !std::mem::replace(&mut seen[class], true) {
                    let cells = self.prepared.classes[class].cells.iter().zip(&self.held[class]);
                    ways.extend(
                        cells.filter(|(_, held)| **held > 0).map(|(giver, _)| (class, *giver as usize)),
                    );
                }
            }
            if let Some(dice) = dice.as_mut() {
                dice.shuffle(&mut ways);
            }
            for (class, giver) in ways {
                if giver != start && came[giver].is_none() {
                    came[giver] = Some((cell, class));
                    queue.push(giver);
                }
            }
        }
        Err(queue)
    }

    /// How much a path can carry.
    fn width(&self, path: &[Hop]) -> u32 {
        let width = |hop: &Hop| match hop.giver {
            Some(giver) => self.held[hop.class][self.slot(hop.class, giver)],
            None => self.free[hop.class],
        };
        path.iter().map(width).min().unwrap_or(0)
    }

    /// Carries that many along a path.
    pub(super) fn follow(&mut self, start: usize, path: &[Hop], amount: u32) {
        let mut taker = start;
        for Hop { class, giver } in path {
            let slot = self.slot(*class, taker);
            self.held[*class][slot] += amount;
            match giver {
                Some(giver) => {
                    let slot = self.slot(*class, *giver);
                    self.held[*class][slot] -= amount;
                    taker = *giver;
                }
                None => self.free[*class] -= amount,
            }
        }
    }
}

/// What each cell needs for so many forms.
pub(super) fn needs(prepared: &Prepared, forms: u32) -> Vec<u64> {
    prepared.cells.iter().map(|c| u64::from(c.need) * u64::from(forms)).collect()
}
