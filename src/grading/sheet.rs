//! Stored attempts under the rules of a regrade: the rules compiled for every form of an exam, and what they make of a row.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    attempt::{packed, plans::Plans},
    bank::content::Content,
    door::Fields,
    error::{Error, Result},
    exam::{sql::Facts, standard::Standards},
    points::Points,
};

use super::{
    regrade::{After, Before, Counts, Recipe, Rule, Sum, Turn},
    regrade_sql::{self as sql, SheetRow},
    rpc::unreadable,
};

/// The rules, ready for every form of an exam.
#[derive(Debug)]
pub struct Recipes {
    forms: Vec<Recipe>,
    never_lower: bool,
}

/// An attempt with a mark that changes.
#[derive(Debug)]
pub struct Changed {
    /// Its new marks, packed.
    pub marks: Vec<u8>,
    /// Their sum.
    pub sum: Sum,
    /// The score before and after.
    pub turn: Turn,
}

impl Recipes {
    /// Compiles rules for an exam; pins the newest version where a rule names none. What does not fit is INVALID.
    pub async fn compile(
        conn: &mut PgConnection,
        plans: &Plans,
        tenant: Uuid,
        facts: &Facts,
        rules: &mut [Rule],
        never_lower: bool,
    ) -> Result<Self> {
        let found = sql::versions(conn, tenant, rules).await?;
        let contents: HashMap<usize, (i32, Content)> =
            found.into_iter().map(|(i, version, content)| (i, (version, content))).collect();
        for (i, rule) in rules.iter_mut().enumerate().filter(|(_, rule)| rule.mode.needs_key()) {
            rule.version = rule.version.or(contents.get(&i).map(|c| c.0));
        }
        let mut used = vec![false; rules.len()];
        let mut forms = Vec::new();
        for form in plans.forms(conn, tenant, facts).await? {
            let recipe = Recipe::new(form, rules, |i| contents.get(&i).map(|c| &c.1), &mut used);
            forms.push(recipe.map_err(|(i, why)| Error::invalid(format!("rules[{i}]"), why))?);
        }
        let mut fields = Fields::default();
        for (i, _) in used.iter().enumerate().filter(|(_, used)| !**used) {
            fields.bad(format!("rules[{i}].question"), format!("is on no form of {}", facts.name));
        }
        fields.done()?;
        Ok(Self { forms, never_lower })
    }

    /// What becomes of one attempt; counts it.
    pub fn judge(
        &self,
        counts: &mut Counts,
        standards: &Standards,
        row: &SheetRow,
    ) -> Result<Option<Changed>> {
        let recipe = self.forms.get(row.form as usize);
        let recipe = recipe.ok_or(Error::Internal("an attempt cites a form its exam has not".into()))?;
        counts.examined += 1;
        if recipe.is_idle() {
            return Ok(None);
        }
        let size = recipe.form().plan.slots().len();
        let responses = packed::unpack_responses(&row.responses, size).map_err(unreadable)?;
        let marks = packed::unpack_marks(&row.marks, size).map_err(unreadable)?;
        match recipe.apply(Before { responses: &responses, marks: &marks }, self.never_lower) {
            After::Same => Ok(None),
            After::Skipped => {
                counts.skipped += 1;
                Ok(None)
            }
            After::Marks { marks, sum } => {
                let old = (Points::new(row.score), Points::new(row.awaiting));
                let max = recipe.form().plan.max();
                let turn = Turn::new(standards, max, old, (sum.score, sum.awaiting));
                counts.add(&turn);
                Ok(Some(Changed { marks: packed::pack_marks(&marks), sum, turn }))
            }
        }
    }
}
