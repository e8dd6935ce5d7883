//! Puts papers together: walks the stream from wall to wall, gives every stretch to its section, starts a new paper
//! where one begins.
//!
//! Promises: questions come in the order of the text; a section without a header is inferred from its questions;
//! glued letters become keys only when the section agrees; answer tables are used where section and number are
//! certain; a text without questions gives no document.

use std::collections::HashMap;
use std::ops::Range;

use super::account;
use super::answer::{
    apply, finish_draft, infer_kind, settle_filled, settle_glued, settle_glued_refs, settle_inside, unmapped,
};
use super::check;
use super::duplicate;
use super::finding::Finding;
use super::fold::{BLANK, CUT, HEAD, LINE, Text};
use super::furniture;
use super::groups;
use super::header::{self, Header};
use super::heads;
use super::items::{Item, Page, Run};
use super::keys;
use super::marked;
use super::markup;
use super::number;
use super::options::Labels;
use super::own;
use super::question::{self, Draft};
use super::table::{self, Table};
use super::title::{self, Boundary};
use super::{Document, Kind, Reading, Section};

/// A paper while it is being put together.
#[derive(Default)]
pub(super) struct Build {
    /// What is certain.
    pub(super) document: Document,
    /// One draft per question.
    pub(super) drafts: Vec<Draft>,
    /// Headers of the sections; none for inferred ones.
    pub(super) headers: Vec<Option<Header>>,
    /// Findings of the whole paper.
    pub(super) findings: Vec<Finding>,
    /// Its head.
    pub(super) head: Range<usize>,
    /// Title lines in its head.
    pub(super) titles: Vec<Range<usize>>,
    /// Ordinal of the last header.
    last_ordinal: Option<u32>,
    /// Chapters seen.
    chapters: Vec<String>,
    /// Where its last item ends.
    pub(super) end: usize,
    /// What its heads, titles and shared texts took of the text.
    taken: Vec<Range<usize>>,
    /// No number is used twice.
    pub(super) unique: bool,
}

enum Wall {
    Header(usize),
    Line(Boundary),
    Table(usize),
    Chapter,
    Cut,
}

struct Reader<'a> {
    page: Page<'a>,
    headers: Vec<Header>,
    builds: Vec<Build>,
    pending: Vec<Range<usize>>,
    head: usize,
    /// A chapter line that stands over no header.
    chapter: Option<(String, Range<usize>)>,
    /// What was taken outside of papers.
    taken: Vec<Range<usize>>,
    findings: Vec<Finding>,
    tables: Vec<(usize, Option<usize>, usize)>,
}

/// Reads a text.
pub(super) fn read(source: &str) -> Reading {
    let mut findings = Vec::new();
    let text = furniture::strip(Text::fold(source), &mut findings);
    let text = marked::strip(text);
    let text = markup::strip(text, &mut findings);
    let text = own::strip(text, &mut findings);
    let text = heads::undress(text);
    let labels = Labels::find(&text);
    let mut marks = number::find(&text);
    let mut headers = header::find(&text);
    let starts: Vec<usize> = headers.iter().map(|h| h.at).collect();
    number::count_named(&mut marks, &starts);
    let key_marks = keys::marks(&text);
    let explanations = keys::explanations(&text);
    let mut places: HashMap<u32, Vec<usize>> = HashMap::new();
    for mark in &marks {
        places.entry(mark.value).or_default().push(mark.at);
    }
    let page = Page {
        places: &places,
        text: &text,
        labels: &labels,
        marks: &marks,
        keys: &key_marks,
        explanations: &explanations,
        unended: !source.ends_with(['\n', '\r']),
    };
    let boundaries = title::boundaries(&text, &headers);
    let ends: Vec<usize> = boundaries.iter().filter(|b| b.title).map(|b| b.range.start).collect();
    let tables = table::find(&page, &mut headers, &ends);
    let mut walls: Vec<(Range<usize>, Wall)> = Vec::new();
    for (i, h) in headers.iter().enumerate() {
        let start = h.chapter.as_ref().map_or(h.at, |c| c.0.min(h.at));
        walls.push((start..h.end, Wall::Header(i)));
    }
    // The title over a list of answers belongs to the list.
    let listed = |b: &Boundary| {
        let near = tables.partition_point(|t| t.range.end <= b.range.start);
        tables.get(near).is_some_and(|t| t.range.start <= b.range.start)
    };
    for boundary in boundaries.into_iter().filter(|b| !listed(b)) {
        walls.push((boundary.range.clone(), Wall::Line(boundary)));
    }
    for (i, table) in tables.iter().enumerate() {
        walls.push((table.range.clone(), Wall::Table(i)));
    }
    for line in text.lines() {
        if is_chapter(&text, &line)
            && !walls.iter().any(|(w, _)| w.start <= line.start && line.start < w.end.max(w.start + 1))
        {
            walls.push((line, Wall::Chapter));
        }
    }
    walls.extend((1..text.len()).filter(|&i| text.has(i, CUT)).map(|i| (i..i, Wall::Cut)));
    walls.sort_by_key(|w| (w.0.start, w.0.end));

    let mut reader = Reader {
        page,
        headers,
        builds: Vec::new(),
        pending: Vec::new(),
        head: 0,
        chapter: None,
        taken: Vec::new(),
        findings,
        tables: Vec::new(),
    };
    let (mut at, mut owner, mut resumes) = (0, None, None);
    for (range, wall) in walls {
        // A wall inside what an earlier wall took (a chapter line that is a title as well) only adds its meaning.
        if range.start > at || (range.start == at && owner.is_some()) {
            reader.region(at..range.start.max(at), owner.take(), resumes);
        }
        match wall {
            Wall::Header(i) => {
                if range.end <= at && at > range.start {
                    reader.take(range);
                    continue;
                }
                owner = Some(i);
                resumes = None;
            }
            Wall::Line(boundary) => {
                if boundary.title && !reader.is_running_head(&boundary) {
                    reader.pending.push(boundary.range.clone());
                    resumes = None;
                } else {
                    reader.take(range.clone());
                    resumes = reader.current();
                }
                owner = None;
            }
            Wall::Table(i) => {
                reader.taken.push(range.clone());
                reader.meet(i, &tables[i]);
                // What stands over answers is the title of no further paper.
                reader.pending.clear();
                owner = None;
                resumes = reader.current();
            }
            Wall::Chapter => {
                reader.chapter = Some((text.show(range.clone()), range.clone()));
                resumes = None;
                owner = None;
            }
            Wall::Cut => {
                resumes = reader.current();
                owner = None;
                // What stood before furniture is the head of nothing.
                if reader.builds.last().is_none_or(|b| b.end <= reader.head) {
                    reader.head = range.start;
                }
            }
        }
        at = at.max(range.end);
    }
    reader.region(at..text.len(), owner, resumes);
    reader.finish(&tables)
}

impl Reader<'_> {
    /// Notes what a head, a title or a shared text took.
    fn take(&mut self, range: Range<usize>) {
        match self.builds.last_mut() {
            Some(build) => build.taken.push(range),
            None => self.taken.push(range),
        }
    }

    /// The section that may go on after an interruption.
    fn current(&self) -> Option<(usize, usize)> {
        let build = self.builds.len().checked_sub(1)?;
        Some((build, self.builds[build].document.sections.len().checked_sub(1)?))
    }

    /// The title of the current paper printed again at the head of a page.
    fn is_running_head(&self, boundary: &Boundary) -> bool {
        let words = self.page.text.folded(boundary.range.clone());
        self.builds.last().is_some_and(|b| {
            !b.drafts.is_empty() && b.titles.iter().any(|t| self.page.text.folded(t.clone()) == words)
        })
    }

    fn region(&mut self, range: Range<usize>, owner: Option<usize>, resumes: Option<(usize, usize)>) {
        match owner {
            Some(header) => self.section(range, header),
            None => self.bare(range, resumes),
        }
    }

    /// A stretch under a header.
    fn section(&mut self, range: Range<usize>, index: usize) {
        let header = self.headers[index].clone();
        let head = header.chapter.as_ref().map_or(header.at, |c| c.0.min(header.at))..header.end;
        if self.tagged(&range, &header) {
            return;
        }
        let begin = header.chapter.as_ref().map_or(header.at, |c| c.0);
        if self.is_new(&header) {
            self.open(begin);
        }
        // Between the line of the chapter and the head may stand other lines.
        let named = (head.start + 1..header.at).find(|&i| self.page.text.has(i, LINE)).unwrap_or(header.at);
        self.take(head.start..named.max(head.start));
        self.take(header.at..header.end);
        let Some(build) = self.builds.last_mut() else { return };
        build.last_ordinal = header.number.or(build.last_ordinal.map(|o| o + 1));
        if let Some((_, chapter)) = &header.chapter {
            build.chapters.push(chapter.clone());
        }
        self.pending.clear();
        let text = self.page.text;
        let points = &header.points;
        let mut section = Section {
            ordinal: header.ordinal.clone(),
            title: Some(header.title.clone()),
            kind: header.kind,
            declared_count: points.count,
            points_each: points.each,
            declared_total: points.total,
            implied_count: points.implied_count(),
            implied_total: points.implied_total(),
            points_per_blank: points.per_blank,
            preamble: header.note.clone().map(|r| text.show(r)).filter(|p| !p.is_empty()),
            chapter: build.chapters.last().cloned(),
            line: text.line(header.at),
            ..Section::default()
        };
        let previous = build.drafts.last().map_or(0, |d| d.question.number);
        let kind = header.kind;
        // An article behind a free section begins with its own "一、…".
        let whole_range = range.clone();
        let range = match kind.is_free().then(|| self.page.heading(range.start + 1..range.end)).flatten() {
            Some(heading) => range.start..heading,
            None => range,
        };
        let article = range.end..whole_range.end;
        let pieces = cases(text, range.clone(), kind);
        let (range, later) = match pieces.split_first() {
            Some((first, later)) => (first.clone(), later),
            None => (range, &[][..]),
        };
        let reading = header.named.reading;
        let groups = if kind.is_choice() { groups::shared(&self.page, range.clone()) } else { None };
        let mut run = match &groups {
            Some(_) => Run::default(),
            None => self.page.split(range.clone(), Some(kind), previous),
        };
        let first = match &groups {
            Some(groups) => groups[0].options.labels.first().map_or(range.end, |l| l.at),
            None => {
                if run.items.is_empty() && run.restart.is_none() {
                    run.items = groups::unnumbered(&self.page, range.clone(), Some(kind));
                }
                run.items.first().map_or(range.end, |i| i.at)
            }
        };
        let lead = text.show(range.start..first);
        let mut several = false;
        if !lead.is_empty() {
            let long = matches!(kind, Kind::CaseAnalysis | Kind::Scenario | Kind::Picture)
                || (reading && lead.chars().count() > 40)
                || (lead.chars().count() > 120 && kind.is_free());
            if !run.items.is_empty() {
                build.taken.push(range.start..first);
            }
            if long && !run.items.is_empty() {
                section.material = Some(lead);
                several = !later.is_empty();
            } else if !run.items.is_empty() {
                section.preamble = Some(match section.preamble.take() {
                    Some(note) => format!("{note} {lead}"),
                    None => lead,
                });
            }
        }
        let number = build.document.sections.len();
        let chapter = section.chapter.clone();
        let material = section.material.clone().filter(|_| several);
        build.document.sections.push(section);
        build.headers.push(Some(header));
        build.end = build.end.max(range.start);
        let restart = run.restart;
        let mut items = run.items;
        let texts = passages(&self.page, &mut items, reading);
        build.taken.extend(texts.iter().map(|t| t.1.clone()));
        build.taken.extend(groups.iter().flatten().map(|g| g.span.clone()));
        // A case without numbered items is one item.
        if items.is_empty() && kind.is_free() && range.len() >= 12 && restart.is_none() {
            items.extend(whole(text, range.clone()));
        }
        let stop = self.retitle(&mut items, restart);
        self.close(&mut items, Some(kind));
        let Some(build) = self.builds.last_mut() else { return };
        for (n, item) in items.iter().enumerate() {
            let mut draft = question::read(&self.page, item, Some(kind));
            draft.question.section = number;
            draft.question.kind = kind;
            draft.question.chapter.clone_from(&chapter);
            draft.question.material.clone_from(&material);
            if let Some((_, words)) = texts.iter().rev().find(|(from, _)| *from <= n) {
                draft.question.material = Some(text.show(words.clone()));
            }
            build.end = build.end.max(item.body.end);
            build.drafts.push(draft);
        }
        for group in groups.iter().flatten() {
            for mut draft in groups::read(&self.page, group, kind) {
                draft.question.section = number;
                draft.question.kind = kind;
                draft.question.chapter.clone_from(&chapter);
                build.end = build.end.max(draft.span.end);
                build.drafts.push(draft);
            }
        }
        for piece in later {
            self.case(piece.clone(), number, kind);
        }
        if let Some(stop) = stop {
            self.bare(stop..range.end, None);
        } else {
            let end = self.builds.last().map_or(range.start, |b| b.end);
            if !items.is_empty() && end < range.end {
                self.leave(end..range.end);
            }
        }
        self.bare(article, None);
    }

    /// The name of the kind before each question, `【单选题】2.…`: the section goes on.
    fn tagged(&mut self, range: &Range<usize>, header: &Header) -> bool {
        let bare = self.page.text.has(header.at, HEAD) && header.number.is_none() && !header.points.any();
        let Some((b, s)) = self.current().filter(|_| bare) else { return false };
        let previous = self.builds[b].drafts.last().map_or(0, |d| d.question.number);
        if previous == 0 || self.builds[b].document.sections[s].kind != header.kind {
            return false;
        }
        let run = self.page.split(range.clone(), Some(header.kind), previous);
        if run.restart.is_some() || run.items.first().is_none_or(|i| i.mark.value != previous + 1) {
            return false;
        }
        let begin = header.chapter.as_ref().map_or(header.at, |c| c.0.min(header.at));
        self.take(begin..header.end);
        self.add(run.items, b, s);
        true
    }

    /// A further case of a section: its own text, its own numbers.
    fn case(&mut self, range: Range<usize>, section: usize, kind: Kind) {
        let text = self.page.text;
        let previous = self.builds.last().and_then(|b| b.drafts.last()).map_or(0, |d| d.question.number);
        let mut items = self.page.split(range.clone(), Some(kind), previous).items;
        let material = items.first().map(|first| text.show(range.start..first.at)).filter(|m| !m.is_empty());
        if let Some(first) = items.first() {
            self.take(range.start..first.at);
        }
        if items.is_empty() {
            items.extend(whole(text, range));
        }
        self.close(&mut items, Some(kind));
        let Some(build) = self.builds.last_mut() else { return };
        let chapter = build.document.sections.get(section).and_then(|s| s.chapter.clone());
        for item in &items {
            let mut draft = question::read(&self.page, item, Some(kind));
            draft.question.section = section;
            draft.question.kind = kind;
            draft.question.chapter.clone_from(&chapter);
            draft.question.material.clone_from(&material);
            build.end = build.end.max(item.body.end);
            build.drafts.push(draft);
        }
    }

    /// Text behind the last item of a run: other items, or words that are left out.
    fn leave(&mut self, range: Range<usize>) {
        self.bare(range, None);
    }

    /// Numbering starts again without a header: the short line before it is the title of what follows.
    fn retitle(&mut self, items: &mut [Item], restart: Option<usize>) -> Option<usize> {
        let restart = restart?;
        let text = self.page.text;
        let last = items.last_mut()?;
        let mut stop = restart;
        if text.has(restart, LINE)
            && let Some(line) = (last.body.start + 1..restart).rev().take(60).find(|&i| text.has(i, LINE))
        {
            let words = text.folded(line..restart);
            let label = words.chars().nth(1).is_some_and(|c| matches!(c, '.' | '、' | ')' | ':'));
            if words.chars().count() <= 50
                && !label
                && !words.ends_with(['。', '?', '!', ';'])
                && !words.contains("答案")
            {
                self.pending.push(line..restart);
                stop = line;
            }
        }
        last.body.end = last.body.end.min(stop);
        Some(stop)
    }

    /// The last item ends where its last part ends, not where the next paper begins.
    fn close(&self, items: &mut Vec<Item>, kind: Option<Kind>) {
        if let Some(last) = items.last_mut() {
            last.body.end = self.page.tail(last.body.clone(), kind).max(last.body.start);
            if last.body.is_empty() {
                items.pop();
            }
        }
    }

    /// A stretch without a header: questions of inferred kinds, or prose.
    fn bare(&mut self, range: Range<usize>, resumes: Option<(usize, usize)>) {
        if range.len() < 4 {
            return;
        }
        let text = self.page.text;
        let previous =
            resumes.and_then(|(b, _)| self.builds.get(b)?.drafts.last()).map(|d| d.question.number);
        if let (Some((b, s)), Some(previous)) = (resumes, previous)
            && let Some(Some(_)) = self.builds.get(b).and_then(|build| build.headers.get(s))
            && let Some(kind) = self.builds.get(b).map(|build| build.document.sections[s].kind)
            && let Some(mut run) = self.page.resume(range.clone(), kind, previous)
        {
            let stop = self.retitle(&mut run.items, run.restart);
            self.add(run.items, b, s);
            if let Some(stop) = stop {
                self.bare(stop..range.end, None);
            }
            return;
        }
        let mut at = range.start;
        let mut runs = self.page.split_bare(range.clone(), previous);
        if runs.is_empty() {
            let items = groups::unnumbered(&self.page, range.clone(), None);
            if !items.is_empty() {
                runs.push(Run { items, restart: None });
            }
        }
        for mut run in runs {
            let Some(first) = run.items.first() else { continue };
            let begin = first.at;
            let goes_on = previous.is_some_and(|p| first.mark.value == p + 1) && self.pending.is_empty();
            let stop = run.restart;
            self.retitle(&mut run.items, stop);
            if let (true, Some((b, s))) = (goes_on, resumes)
                && let Some(Some(_)) = self.builds.get(b).and_then(|build| build.headers.get(s))
            {
                self.add(run.items, b, s);
                continue;
            }
            self.close(&mut run.items, None);
            let mut drafts: Vec<Draft> =
                run.items.iter().map(|i| question::read(&self.page, i, None)).collect();
            settle_glued(&mut drafts);
            // A bank goes on with its next chapter.
            let chapter = self.chapter.take();
            let known = |b: &Build| chapter.as_ref().is_some_and(|c| !b.chapters.contains(&c.0));
            let next_chapter = self.pending.is_empty() && self.builds.last().is_some_and(known);
            if !(goes_on || next_chapter) || self.builds.is_empty() {
                // The words before the first item are its title when they are short.
                if self.pending.is_empty() {
                    let line = (at..begin)
                        .rev()
                        .find(|&i| text.breaks(i))
                        .map_or(at, |l| if l == begin { at } else { l });
                    let from = line.max(begin.saturating_sub(60));
                    if from < begin
                        && (text.breaks(from) || from == at)
                        && !text.folded(from..begin).ends_with('。')
                    {
                        self.pending.push(from..begin);
                    }
                }
                self.open(begin);
                self.pending.clear();
            }
            at = run.items.last().map_or(begin, |i| i.body.end);
            if let (Some(chapter), Some(build)) = (chapter, self.builds.last_mut()) {
                build.chapters.push(chapter.0);
                build.taken.push(chapter.1);
            }
            self.infer(drafts, at, next_chapter);
        }
    }

    /// Adds items to a section that was interrupted.
    fn add(&mut self, mut items: Vec<Item>, b: usize, s: usize) {
        let Some(section) = self.builds.get(b).and_then(|build| build.document.sections.get(s)) else {
            return;
        };
        let (kind, chapter) = (section.kind, section.chapter.clone());
        self.close(&mut items, Some(kind));
        let mut drafts: Vec<Draft> =
            items.iter().map(|i| question::read(&self.page, i, Some(kind))).collect();
        let Some(build) = self.builds.get_mut(b) else { return };
        for draft in &mut drafts {
            draft.question.section = s;
            draft.question.kind = kind;
            draft.question.chapter.clone_from(&chapter);
        }
        build.end = items.last().map_or(build.end, |i| i.body.end);
        build.drafts.append(&mut drafts);
    }

    /// Sections for questions without a header, by their kinds.
    fn infer(&mut self, drafts: Vec<Draft>, end: usize, goes_on: bool) {
        let text = self.page.text;
        let Some(build) = self.builds.last_mut() else { return };
        build.end = build.end.max(end);
        let mut last: Option<Kind> = None;
        let mut ahead: Option<usize> = None;
        if goes_on && let Some(section) = build.document.sections.last().filter(|s| s.inferred) {
            (last, ahead) = (Some(section.kind), Some(build.document.sections.len() - 1));
        }
        for mut draft in drafts {
            let kind = infer_kind(text, &draft, last).or(last).unwrap_or_default();
            let section = match ahead.filter(|_| last == Some(kind)) {
                Some(section) => section,
                None => {
                    build.document.sections.push(Section {
                        kind,
                        inferred: true,
                        chapter: build.chapters.last().cloned(),
                        line: draft.question.line,
                        ..Section::default()
                    });
                    build.headers.push(None);
                    build.document.sections.len() - 1
                }
            };
            (last, ahead) = (Some(kind), Some(section));
            draft.question.section = section;
            draft.question.kind = kind;
            draft.question.chapter = build.chapters.last().cloned();
            build.drafts.push(draft);
        }
    }

    /// Whether a header opens another paper.
    fn is_new(&self, header: &Header) -> bool {
        let Some(build) = self.builds.last() else { return true };
        if build.document.sections.is_empty() {
            return false;
        }
        let back = header.number.zip(build.last_ordinal).map(|(new, old)| new <= old);
        // The title of the paper itself, printed again on a later page, opens nothing.
        let text = self.page.text;
        let titled = self.pending.iter().any(|p| {
            let words = text.folded(p.clone());
            !build.titles.iter().any(|t| text.folded(t.clone()).contains(&words))
        });
        match (&header.chapter, back) {
            // A bank goes on with its next chapter; the same chapter again is another copy.
            (Some((_, chapter)), _) if !build.chapters.is_empty() => {
                build.chapters.contains(chapter) && back != Some(false)
            }
            (Some(_), _) => true,
            (_, Some(true)) => true,
            _ => titled,
        }
    }

    fn open(&mut self, begin: usize) {
        let from = self.builds.last().map_or(self.head, |b| b.end.max(self.head));
        let from = self.pending.first().map_or(from, |p| p.start.max(from).min(begin));
        let mut build =
            Build { head: from..begin, titles: self.pending.clone(), end: begin, ..Build::default() };
        if build.titles.is_empty() && !build.head.is_empty() && build.head.len() <= 120 {
            build.titles.push(build.head.clone());
        }
        title::read(self.page.text, build.head.clone(), &build.titles, &mut build.document);
        // Another title above the one that was kept is told, not taken.
        let title = Text::fold(build.document.title.as_deref().unwrap_or_default());
        let title = title.folded(0..title.len());
        let own = |t: &&Range<usize>| {
            let words = self.page.text.folded((*t).clone());
            let promise = words.chars().count() <= title.chars().count() + 8;
            (words.contains(&title) && promise) || title.contains(&words)
        };
        build.taken = build.titles.iter().filter(own).cloned().collect();
        self.builds.push(build);
    }

    fn meet(&mut self, index: usize, table: &Table) {
        let build = self.builds.len().checked_sub(1);
        let section = build.and_then(|b| self.builds[b].document.sections.len().checked_sub(1)).unwrap_or(0);
        self.tables.push((index, build, section));
        if let Some(build) = self.builds.last_mut() {
            build.end = build.end.max(table.range.end);
        }
    }

    fn finish(mut self, tables: &[Table]) -> Reading {
        let text = self.page.text;
        for build in &mut self.builds {
            let mut own: Vec<Vec<&mut Draft>> = build.document.sections.iter().map(|_| Vec::new()).collect();
            for draft in &mut build.drafts {
                if let Some(own) = own.get_mut(draft.question.section) {
                    own.push(draft);
                }
            }
            for (drafts, header) in own.iter_mut().zip(&build.headers) {
                if header.is_some() {
                    settle_glued_refs(drafts);
                }
            }
            let mut all: Vec<u32> = build.drafts.iter().map(|d| d.question.number).collect();
            all.sort_unstable();
            build.unique = all.windows(2).all(|w| w[0] != w[1]);
        }
        let met = std::mem::take(&mut self.tables);
        for (index, build, section) in met {
            let table = &tables[index];
            // A list that names its paper belongs to that one.
            let named = table.title.as_ref().and_then(|title| {
                let own = |b: &Build| {
                    b.titles.iter().any(|t| {
                        let words = text.folded(t.clone());
                        words.contains(title.as_str()) || title.contains(&words)
                    })
                };
                let mut fits = (0..self.builds.len()).filter(|&b| own(&self.builds[b]));
                fits.next().filter(|_| fits.next().is_none())
            });
            let section = match named {
                Some(b) if build != Some(b) => self.builds[b].document.sections.len().saturating_sub(1),
                _ => section,
            };
            match named.or(build).and_then(|b| self.builds.get_mut(b)) {
                Some(build) => apply(text, table, build, section),
                None => self.findings.push(unmapped(text, table, "no paper stands before it")),
            }
        }
        for build in &mut self.builds {
            let mut own: Vec<Vec<&mut Draft>> = build.document.sections.iter().map(|_| Vec::new()).collect();
            for draft in &mut build.drafts {
                if let Some(own) = own.get_mut(draft.question.section) {
                    own.push(draft);
                }
            }
            for drafts in &mut own {
                settle_inside(drafts);
                settle_filled(text, drafts);
            }
        }
        let mut reading = Reading { documents: Vec::new(), findings: self.findings };
        let (kept, empty): (Vec<Build>, Vec<Build>) =
            self.builds.into_iter().partition(|b| !b.drafts.is_empty());
        // A head without questions is no paper, but what was found under it stays told.
        for finding in empty.into_iter().flat_map(|b| b.findings) {
            reading.findings.push(Finding { document: None, section: None, question: None, ..finding });
        }
        let mut taken = self.taken;
        let mut reaches = Vec::with_capacity(kept.len());
        for build in &kept {
            taken.extend(build.taken.iter().cloned());
            taken.extend(build.drafts.iter().map(|d| d.span.clone()));
            let first = build.drafts.iter().map(|d| d.span.start);
            let heads = build.headers.iter().flatten().map(|h| h.at);
            reaches.push(account::Reach {
                begin: first.chain(heads).min().unwrap_or(build.end),
                end: build.end,
            });
        }
        let mut left = Vec::new();
        account::tell(&self.page, taken, &reaches, &mut left);
        let count = kept.len();
        for (d, mut build) in kept.into_iter().enumerate() {
            for draft in &mut build.drafts {
                // A tag of its own says which kind of choice it is.
                if let Some(kind) = draft.tag.filter(|k| k.is_choice() && draft.question.kind.is_choice()) {
                    draft.question.kind = kind;
                }
                finish_draft(&self.page, draft);
            }
            let mut found = check::paper(&self.page, &mut build, d, count);
            build.document.questions = build.drafts.into_iter().map(|d| d.question).collect();
            reading.documents.push(build.document);
            for finding in &mut build.findings {
                finding.document = Some(d);
            }
            reading.findings.append(&mut build.findings);
            reading.findings.append(&mut found);
        }
        reading.findings.append(&mut left);
        duplicate::settle(&mut reading);
        if reading.documents.iter().all(duplicate::is_copy) {
            check::prose(&self.page, &mut reading);
        }
        reading
    }
}

/// Whether a line names a chapter and nothing else.
fn is_chapter(text: &Text, line: &Range<usize>) -> bool {
    line.len() <= 40
        && header::chapter_at(text, line.start).is_some_and(|end| {
            end == line.end || text.has(end, BLANK) || matches!(text.at(end), ':' | '(' | '、' | '.' | '-')
        })
        && !line.clone().any(|i| matches!(text.at(i), '。' | '?' | '!' | ';' | ',' | '_'))
}

/// Cuts the texts between questions off the questions before them: from which item on each holds, and where it stands.
fn passages(page: &Page, items: &mut [Item], reading: bool) -> Vec<(usize, Range<usize>)> {
    let mut texts = Vec::new();
    for n in 1..items.len() {
        let next = items[n].at;
        let body = items[n - 1].body.clone();
        if let Some(cut) = groups::passage(page, &body, reading).filter(|&c| c < next) {
            items[n - 1].body.end = cut;
            texts.push((n, cut..next));
        }
    }
    texts
}

/// The cases of a case section, `案例一 … 案例二 …`; one stretch when there is only one.
fn cases(text: &Text, range: Range<usize>, kind: Kind) -> Vec<Range<usize>> {
    if !matches!(kind, Kind::CaseAnalysis | Kind::Scenario) {
        return Vec::new();
    }
    let mut starts: Vec<usize> = vec![range.start];
    let opens = |i: usize| text.breaks(i) || matches!(text.before(i), '。' | '?' | '!' | ')' | ';');
    let mut first = false;
    for i in range.clone() {
        let Some((_, length)) = text.one_of(i, &["案例分析", "案例", "情景", "情境", "材料"])
        else {
            continue;
        };
        let numeral = text.at(i + length);
        let closed = text.breaks(i + length + 1) || matches!(text.at(i + length + 1), ':' | '、' | '.' | '(');
        if opens(i) && closed && ("一二三四五六".contains(numeral) || ('1'..='6').contains(&numeral)) {
            if i == range.start {
                first = true;
            } else {
                starts.push(i);
            }
        }
    }
    // What stands before the first case is its heading, when it holds no question.
    if !first && starts.len() > 1 && starts[1] - starts[0] <= 30 {
        starts.remove(1);
    }
    if starts.len() < 2 {
        return Vec::new();
    }
    let ends = starts.iter().skip(1).copied().chain([range.end]);
    starts.iter().zip(ends).map(|(&start, end)| start..end).collect()
}

/// One item for a stretch without numbers.
fn whole(text: &Text, range: Range<usize>) -> Option<Item> {
    let mark = groups::mark(range.start, 1);
    (text.len() >= range.end).then_some(Item { at: range.start, mark, prefixed: false, body: range })
}
