"""Nouns in the singular, as people would name one of them."""

from __future__ import annotations

import pytest

from gateway.model.singular import singular

# Plural: singular. Words of public APIs, and those that break the rules.
TEXT = """
    orders:order users:user items:item books:book products:product payments:payment invoices:invoice files:file
    images:image services:service prices:price pages:page messages:message devices:device sources:source roles:role
    rules:rule schedules:schedule profiles:profile templates:template updates:update states:state dates:date notes:note
    sites:site routes:route quotes:quote votes:vote attributes:attribute zones:zone phones:phone machines:machine
    lines:line pipelines:pipeline engines:engine games:game names:name themes:theme times:time types:type recipes:recipe
    scopes:scope employees:employee fees:fee trees:tree degrees:degree committees:committee coffees:coffee values:value
    queues:queue issues:issue venues:venue keys:key days:day boys:boy arrays:array surveys:survey journeys:journey
    status:status statuses:status address:address addresses:address access:access accesses:access process:process
    processes:process class:class classes:class glasses:glass bus:bus buses:bus campus:campus campuses:campus
    virus:virus viruses:virus bonus:bonus bonuses:bonus corpus:corpus census:census genius:genius geniuses:genius
    cases:case bases:base databases:database phases:phase releases:release leases:lease purchases:purchase
    phrases:phrase diseases:disease houses:house warehouses:warehouse causes:cause clauses:clause pauses:pause
    spouses:spouse courses:course nurses:nurse horses:horse universes:universe responses:response licenses:license
    expenses:expense senses:sense lenses:lens pulses:pulse doses:dose roses:rose purposes:purpose promises:promise
    exercises:exercise enterprises:enterprise franchises:franchise uses:use excuses:excuse fuses:fuse
    analysis:analysis analyses:analysis crises:crisis theses:thesis hypotheses:hypothesis syntheses:synthesis
    diagnoses:diagnosis parentheses:parenthesis oases:oasis axes:axis synopses:synopsis basis:basis
    aliases:alias alias:alias canvases:canvas canvas:canvas atlases:atlas biases:bias gases:gas lens:lens
    companies:company countries:country cities:city categories:category entries:entry queries:query policies:policy
    properties:property repositories:repository activities:activity replies:reply currencies:currency libraries:library
    facilities:facility stories:story movies:movie cookies:cookie calories:calorie hoodies:hoodie selfies:selfie
    zombies:zombie ties:tie pies:pie series:series species:species news:news data:data media:media metadata:metadata
    boxes:box taxes:tax fixes:fix indexes:index indices:index matrices:matrix vertices:vertex appendices:appendix
    batches:batch branches:branch matches:match searches:search watches:watch patches:patch launches:launch
    churches:church caches:cache niches:niche headaches:headache avalanches:avalanche dishes:dish wishes:wish
    crashes:crash pushes:push quizzes:quiz buzzes:buzz waltzes:waltz prizes:prize sizes:size mazes:maze
    heroes:hero potatoes:potato tomatoes:tomato echoes:echo vetoes:veto shoes:shoe toes:toe canoes:canoe photos:photo
    videos:video memos:memo leaves:leaf shelves:shelf wolves:wolf halves:half knives:knife lives:life thieves:thief
    archives:archive waves:wave drives:drive moves:move curves:curve valves:valve reserves:reserve saves:save
    people:person children:child men:man women:woman feet:foot teeth:tooth mice:mouse geese:goose
    criteria:criterion phenomena:phenomenon bacteria:bacterium curricula:curriculum alumni:alumnus radii:radius
    formulae:formula schemata:schema schemas:schema areas:area ideas:idea quotas:quota personas:persona
    apis:api uris:uri kpis:kpi emojis:emoji wikis:wiki taxis:taxi menus:menu skus:sku cpus:cpu gurus:guru
    metrics:metric topics:topic statistics:statistic graphics:graphic analytics:analytics logistics:logistics
    ids:id ips:ip vms:vm urls:url pods:pod nodes:node clusters:cluster namespaces:namespace jobs:job tasks:task
    loss:loss boss:boss bosses:boss mass:mass express:express sms:sms dns:dns css:css gas:gas chaos:chaos
    tennis:tennis iris:iris chassis:chassis sheep:sheep fish:fish aircraft:aircraft software:software equipment:equipment
    info:info me:me self:self search:search order:order user:user box:box index:index dress:dress plus:plus
    sales:sale blogs:blog tags:tag carts:cart events:event tickets:ticket accounts:account comments:comment channels:channel
"""
PAIRS = dict(pair.split(":") for pair in TEXT.split())


@pytest.mark.parametrize("plural", PAIRS)
def test_one_of_them(plural):
    assert singular(plural) == PAIRS[plural]


def test_the_list_is_long_enough_to_mean_something():
    assert len(PAIRS) >= 200


@pytest.mark.parametrize(
    "word", sorted({*PAIRS.values(), "oasis", "solaris", "obis", "preis", "kreis", "devis", "avis"})
)
def test_a_singular_stays_as_it_is(word):
    assert singular(word) == word
