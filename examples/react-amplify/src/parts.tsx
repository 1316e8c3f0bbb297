/** The parts of every screen: a heading, fields, buttons and errors. */
import { type ComponentProps, type ReactNode, useEffect, useId, useRef, useState } from "react";
import { sentence } from "./errors.ts";
import type { Screen, ScreenProps } from "./screens.ts";

/** Runs one action at a time, and keeps the sentence of its failure. */
function useAction() {
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string>();
  const run = async (action: () => Promise<unknown>) => {
    if (busy) return;
    setBusy(true);
    setProblem(undefined);
    await action().catch((error: unknown) => setProblem(sentence(error)));
    setBusy(false);
  };
  return { busy, problem, run };
}

/** A screen. If it has no fields, its heading gets the focus, so that screen readers announce it. */
export function Panel({ title, children }: { title: string; children: ReactNode }) {
  const ref = useRef<HTMLElement>(null);
  useEffect(() => {
    if (!ref.current?.querySelector("input")) ref.current?.querySelector("h1")?.focus();
  }, []);
  return (
    <section className="card" ref={ref}>
      <title>{`${title} · Reading room`}</title>
      <h1 tabIndex={-1}>{title}</h1>
      {children}
    </section>
  );
}

export function Problem({ children }: { children: string | undefined }) {
  return (
    <p className="problem" role="alert">
      {children}
    </p>
  );
}

export function Notice({ children }: { children: string | undefined }) {
  return (
    <p className="notice" role="status">
      {children}
    </p>
  );
}

/** Returns the value of a field by its name. */
export type Values = (name: string) => string;

interface FormProps {
  /** The label of its button. */
  readonly button: string;
  readonly onSubmit: (values: Values) => Promise<unknown>;
  readonly children: ReactNode;
  /** Further buttons of this form. */
  readonly more?: ReactNode;
}

/** A form whose first field gets the focus. */
export function Form({ button, onSubmit, children, more }: FormProps) {
  const { busy, problem, run } = useAction();
  const ref = useRef<HTMLFormElement>(null);
  useEffect(() => ref.current?.querySelector("input")?.focus(), []);
  return (
    <form
      ref={ref}
      aria-busy={busy}
      onSubmit={(event) => {
        event.preventDefault();
        const { submitter } = event.nativeEvent as SubmitEvent;
        const data = new FormData(event.currentTarget, submitter);
        void run(() => onSubmit((name) => String(data.get(name) ?? "")));
      }}
    >
      <Problem>{problem}</Problem>
      {children}
      <button type="submit" className="primary">
        {button}
      </button>
      {more}
    </form>
  );
}

interface FieldProps extends ComponentProps<"input"> {
  readonly label: string;
  readonly name: string;
}

export function Field({ label, ...input }: FieldProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input id={id} required {...input} />
    </div>
  );
}

export const EmailField = (props: Partial<FieldProps>) => (
  <Field label="Email address" name="username" type="email" autoComplete="username" {...props} />
);

export const NewPasswordField = () => (
  <Field label="New password" name="password" type="password" autoComplete="new-password" />
);

export const CodeField = () => (
  <Field label="Code" name="code" inputMode="numeric" autoComplete="one-time-code" />
);

interface ButtonProps {
  readonly action: () => Promise<unknown>;
  readonly children: ReactNode;
  readonly className?: string;
  readonly label?: string;
}

/** A button that runs an action, and shows its error below. */
export function ActionButton({ action, children, className, label }: ButtonProps) {
  const { busy, problem, run } = useAction();
  return (
    <>
      <button
        type="button"
        className={className}
        aria-label={label}
        aria-busy={busy}
        onClick={() => run(action)}
      >
        {children}
      </button>
      <Problem>{problem}</Problem>
    </>
  );
}

interface GoToProps extends Pick<ScreenProps<"sign-in">, "go"> {
  readonly screen: Screen;
  readonly children: string;
}

/** Leads to another screen. */
export function GoTo({ screen, go, children }: GoToProps) {
  return (
    <button type="button" className="link" onClick={() => go(screen)}>
      {children}
    </button>
  );
}
