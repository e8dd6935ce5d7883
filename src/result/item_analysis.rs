//! The item analysis, of one form or of the questions of all forms together. The attempts are streamed twice through a
//! thread of its own; what is kept of each is a float.

use std::sync::Arc;

use sqlx::PgConnection;
use tokio::sync::mpsc;

use crate::{
    admission::pace,
    analysis::{
        fold::{Picks, Position, Totals, note_waiting},
        pooled::{First, Second},
    },
    attempt::{packed::Unpack, plans::CompiledForm},
    auth::Caller,
    door::Fields,
    error::{Error, Result},
    ids::ExamName,
    pb,
};

use super::{
    items::{self, Pooled},
    rpc::{Results, all_attempts, index_of, optional_form, unreadable},
    sql::{self, Group, Sheet},
};

/// Waiting attempts that are looked at first: nearly always one shows every position that waits.
const SAMPLE: i64 = 1000;
/// Chunks that may wait for the thread that folds them.
const CHUNKS: usize = 4;

/// Something of each form that is looked at.
#[derive(Clone, Debug)]
struct EachForm<T> {
    /// The index of the first one in the exam.
    base: usize,
    each: Vec<T>,
}

impl<T> EachForm<T> {
    /// What belongs to the form of an attempt; only attempts on these forms are read.
    fn of(&mut self, form: i16) -> Option<&mut T> {
        self.each.get_mut(usize::try_from(form).ok()?.checked_sub(self.base)?)
    }

    fn map<U>(self, f: impl FnMut(T) -> U) -> EachForm<U> {
        EachForm { base: self.base, each: self.each.into_iter().map(f).collect() }
    }
}

type Waits = EachForm<Vec<Position>>;

impl Results {
    pub(super) async fn item_analysis(
        &self,
        caller: &Caller,
        request: pb::GetItemAnalysisRequest,
    ) -> Result<pb::ItemAnalysis> {
        let mut fields = Fields::default();
        let name: ExamName = fields.take("name", request.name.parse());
        let form = optional_form(&request.form, &mut fields);
        if request.by_question && form.is_some() {
            fields.bad("form", "must be empty where by_question pools all forms");
        }
        let all_attempts = all_attempts(request.population, &mut fields);
        fields.done()?;
        let tenant = caller.tenant.id;
        // The attempts are read twice and must be the same ones.
        let mut tx = self.db.read_snapshot(caller).await?;
        let facts = self.plans.exam(&mut tx, tenant, &name.exam).await?;
        let names: Vec<String> = facts.forms.iter().map(ToString::to_string).collect();
        let index = match form {
            Some(form) => Some(index_of(names.iter().map(String::as_str), &form, &name)?),
            None if names.len() == 1 => Some(0),
            None if request.by_question => None,
            None => {
                let what = format!("is required: the exam has {} forms; or ask by_question", names.len());
                return Err(Error::invalid("form", what));
            }
        };
        let forms = match index {
            Some(index) => vec![self.plans.form(&mut tx, tenant, &facts, index).await?],
            None => self.plans.forms(&mut tx, tenant, &facts).await?,
        };
        let group = Group {
            tenant,
            exam: &name.exam,
            form: index.map(|index| index as i16),
            all_attempts,
            hurry: self.db.admission().hurry(),
        };
        let positions = EachForm {
            base: index.unwrap_or(0),
            each: forms.iter().map(|form| items::positions(form)).collect(),
        };
        let positions = waiting(&mut tx, &group, &forms, positions).await?;
        let shown = match (index, forms.as_slice()) {
            (Some(_), [form]) => one_form(&mut tx, &group, name.to_string(), form, positions).await?,
            _ => all_forms(&mut tx, &group, name.to_string(), &forms, positions).await?,
        };
        tx.commit().await?;
        Ok(shown)
    }
}

/// Finds the positions that wait for a person in any attempt.
async fn waiting(
    tx: &mut PgConnection,
    group: &Group<'_>,
    forms: &[Arc<CompiledForm>],
    mut positions: Waits,
) -> Result<Waits> {
    let may_wait = |found: &Waits| {
        forms.iter().zip(&found.each).any(|(form, positions)| items::may_wait(form, positions))
    };
    if !may_wait(&positions) {
        return Ok(positions);
    }
    let sample = sql::waiting_marks(tx, group, SAMPLE).await?;
    for sheet in &sample {
        note(&mut positions, sheet).map_err(unreadable)?;
    }
    if sample.len() as i64 == SAMPLE && may_wait(&positions) {
        positions = fold(tx, group, false, positions, note).await?;
    }
    Ok(positions)
}

fn note(found: &mut Waits, sheet: &Sheet) -> Result<(), Unpack> {
    found.of(sheet.form).map_or(Ok(()), |positions| note_waiting(positions, &sheet.marks))
}

async fn one_form(
    tx: &mut PgConnection,
    group: &Group<'_>,
    exam: String,
    form: &CompiledForm,
    positions: Waits,
) -> Result<pb::ItemAnalysis> {
    let add = |totals: &mut EachForm<Totals>, sheet: &Sheet| {
        totals.of(sheet.form).map_or(Ok(()), |totals| totals.add(&sheet.marks))
    };
    let totals = fold(tx, group, false, positions.clone().map(Totals::new), add).await?;
    let wholes = pace::behind(move || totals.map(Totals::finish)).await?;
    let one = |which: &str| Error::Internal(format!("an analysis without {which}").into());
    let whole = wholes.each.into_iter().next().ok_or_else(|| one("totals"))?;
    let add = |picks: &mut EachForm<Picks>, sheet: &Sheet| {
        picks.of(sheet.form).map_or(Ok(()), |picks| picks.add(&sheet.responses, &sheet.marks))
    };
    let picks = positions.clone().map(|positions| Picks::new(positions, whole.cuts));
    let picks = fold(tx, group, true, picks, add).await?;
    let picked = picks.each.into_iter().next().ok_or_else(|| one("picks"))?.finish();
    let positions = positions.each.into_iter().next().ok_or_else(|| one("positions"))?;
    Ok(items::show(exam, form, &positions, &whole, &picked))
}

async fn all_forms(
    tx: &mut PgConnection,
    group: &Group<'_>,
    exam: String,
    forms: &[Arc<CompiledForm>],
    positions: Waits,
) -> Result<pb::ItemAnalysis> {
    let add = |firsts: &mut EachForm<First>, sheet: &Sheet| {
        firsts.of(sheet.form).map_or(Ok(()), |first| first.add(&sheet.marks))
    };
    let firsts = fold(tx, group, false, positions.clone().map(First::new), add).await?;
    let totals = pace::behind(move || firsts.map(First::finish)).await?;
    let add = |seconds: &mut EachForm<Second>, sheet: &Sheet| {
        seconds.of(sheet.form).map_or(Ok(()), |second| second.add(&sheet.responses, &sheet.marks))
    };
    let seconds = EachForm {
        base: positions.base,
        each: positions
            .each
            .iter()
            .zip(&totals.each)
            .map(|(positions, totals)| Second::new(positions.clone(), totals.cuts))
            .collect(),
    };
    let seconds = fold(tx, group, true, seconds, add).await?;
    let parts = forms.iter().zip(positions.each).zip(totals.each).zip(seconds.each);
    let parts: Vec<Pooled> = parts
        .map(|(((form, positions), totals), second)| Pooled {
            form: Arc::clone(form),
            positions,
            totals,
            second,
        })
        .collect();
    pace::behind(move || items::show_pooled(exam, &parts)).await
}

/// Folds the attempts of a group on a thread of its own while they are read.
async fn fold<T: Send + 'static>(
    tx: &mut PgConnection,
    group: &Group<'_>,
    with_responses: bool,
    mut state: T,
    add: fn(&mut T, &Sheet) -> Result<(), Unpack>,
) -> Result<T> {
    let (send, mut receive) = mpsc::channel::<Vec<Sheet>>(CHUNKS);
    // When this call is given up the sender is dropped, and the thread ends with what it has.
    let folding = pace::behind(move || {
        while let Some(chunk) = receive.blocking_recv() {
            chunk.iter().try_for_each(|sheet| add(&mut state, sheet))?;
        }
        Ok(state)
    });
    let (read, folded) = tokio::join!(sql::sheets(tx, group, with_responses, send), folding);
    read?;
    folded?.map_err(unreadable)
}
