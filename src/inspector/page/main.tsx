/** The inspector's page. */
import { render } from 'preact';
import { App } from './app.tsx';
import { Model } from './model.ts';
import { linkSelection } from './selection.ts';
import { begin } from './session.ts';

const model = new Model();
void begin(model);
linkSelection();
render(<App model={model} />, document.getElementById('page')!);
