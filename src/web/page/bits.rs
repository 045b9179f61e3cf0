//! The 32 bits of a float32 as a strip of boxes.

use yew::prelude::*;

use crate::fault::{BIT_COUNT, flip};
use crate::web::words;

#[derive(Properties, PartialEq)]
pub struct BitsProps {
    /// The value whose bits are shown, where it is known.
    pub value: Option<f32>,
    /// The bit that is chosen.
    pub chosen: u8,
    /// Hears of the choice.
    pub choose: Callback<u8>,
}

/// The strip, and beneath it what the bit under the pointer would do.
#[component]
pub fn Bits(props: &BitsProps) -> Html {
    let hovered = use_state_eq(|| None::<u8>);
    let fields: [(&str, std::ops::Range<u8>); 3] = [("sign", 31..32), ("exponent", 23..31), ("mantissa", 0..23)];
    let groups = fields.into_iter().map(|(field, bits)| {
        let boxes = bits.rev().map(|bit| one(props, bit, &hovered));
        html! {
            <div class={classes!("bit-field", format!("bit-{field}"))} role="group" aria-label={field}>
                <span class="bit-caption" aria-hidden="true">{ field }</span>
                <div class="bit-boxes">{ for boxes }</div>
            </div>
        }
    });
    let bit = hovered.unwrap_or(props.chosen);
    let keys = {
        let (chosen, choose) = (props.chosen, props.choose.clone());
        Callback::from(move |event: KeyboardEvent| {
            let to = match event.key().as_str() {
                "ArrowLeft" | "ArrowUp" => chosen + 1,
                "ArrowRight" | "ArrowDown" => chosen.wrapping_sub(1),
                "Home" => BIT_COUNT - 1,
                "End" => 0,
                _ => return,
            };
            event.prevent_default();
            if to < BIT_COUNT {
                choose.emit(to);
            }
        })
    };
    html! {
        <div class="bits">
            <div class="bit-strip" id="bits" role="group" aria-label="The 32 bits of the value" onkeydown={keys}>{ for groups }</div>
            <p class="bit-preview" id="bit-preview">
                <span class={classes!("bit-name", format!("bit-{}", words::field(bit)))}>{ format!("Bit {bit}, {}", words::field(bit)) }</span>
                if let Some((before, after)) = change(props.value, bit) {
                    <span class="bit-change">{ before }<span class="arrow">{ " → " }</span><strong>{ after }</strong></span>
                }
            </p>
        </div>
    }
}

fn change(value: Option<f32>, bit: u8) -> Option<(String, String)> {
    let before = value?;
    Some((words::number(before), words::number(flip(before, bit).ok()?)))
}

fn one(props: &BitsProps, bit: u8, hovered: &UseStateHandle<Option<u8>>) -> Html {
    let set = props.value.map(|value| value.to_bits() >> bit & 1);
    let chosen = bit == props.chosen;
    let state = set.map_or_else(|| "?".to_owned(), |set| set.to_string());
    let change =
        change(props.value, bit).map(|(before, after)| format!(": {before} becomes {after}")).unwrap_or_default();
    let label = format!("bit {bit}, {}, now {state}{change}", words::field(bit));
    let over = |to: Option<u8>| {
        let hovered = hovered.clone();
        move || hovered.set(to)
    };
    let (enter, focus, leave, blur) = (over(Some(bit)), over(Some(bit)), over(None), over(None));
    html! {
        <button type="button" key={bit} class={classes!("bit", chosen.then_some("chosen"), (set == Some(1)).then_some("set"))}
            aria-pressed={chosen.to_string()} aria-label={label} data-bit={bit.to_string()} tabindex={if chosen { "0" } else { "-1" }}
            onclick={props.choose.reform(move |_| bit)}
            onpointerenter={move |_| enter()} onpointerleave={move |_| leave()} onfocus={move |_| focus()} onblur={move |_| blur()}>
            <span class="bit-value">{ state }</span><span class="bit-index">{ bit }</span>
        </button>
    }
}
