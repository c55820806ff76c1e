"""Equipment and its relations: what pages draw the building from."""

from tests.support.api_rig import CHILLER, ApiRig

AHU, PLANT = "TCH.01.E.AHU01", "TCH.B2.CN.PLT01"


async def test_equipment_says_where_it_stands_and_what_it_hangs_together_with(rig: ApiRig) -> None:
    chiller = (await rig.client.get(f"/api/v1/equipment/{CHILLER}")).json()

    assert (chiller["floor"], chiller["zone"], chiller["system"]) == ("B2", "CN", "hvac")
    assert chiller["equipment_class"] == "Centrifugal_Chiller"
    assert (chiller["feeds"], chiller["part_of"]) == ([AHU], [PLANT])
    assert not chiller["read_only"]
    plant, ahu = [(await rig.client.get(f"/api/v1/equipment/{name}")).json() for name in (PLANT, AHU)]
    assert plant["has_part"] == [CHILLER]
    assert ahu["fed_by"] == [CHILLER, PLANT]


async def test_equipment_is_listed_by_name_in_pages_and_chosen_by_system_and_class(rig: ApiRig) -> None:
    first = (await rig.client.get("/api/v1/equipment", params={"limit": 1})).json()
    second = (await rig.client.get("/api/v1/equipment", params={"cursor": first["next"]})).json()
    chillers = (await rig.client.get("/api/v1/equipment", params={"class": "Centrifugal_Chiller"})).json()
    fire = (await rig.client.get("/api/v1/equipment", params={"system": "fire"})).json()

    assert [item["name"] for item in first["items"] + second["items"]] == sorted(rig.services.site.equipment)
    assert [item["name"] for item in chillers["items"]] == [CHILLER]
    assert all(item["read_only"] for item in fire["items"])


async def test_what_nobody_knows_is_said(rig: ApiRig) -> None:
    answer = await rig.client.get("/api/v1/equipment/NO")
    assert (answer.status_code, answer.json()["detail"]) == (
        404,
        "no equipment is named NO; GET /api/v1/equipment lists it",
    )


async def test_the_site_names_its_floors_and_zones(rig: ApiRig) -> None:
    told = (await rig.client.get("/api/v1/site")).json()
    assert {floor["code"] for floor in told["floors"]} >= {"B2", "01"}
    assert {"code": "CN", "text": {"zh": "中央北", "en": "Central north"}} in told["zones"]
